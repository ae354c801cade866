// Prints a user's score, the top three and the user's days: go run score.go github:torvalds
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"

	"github.com/redis/go-redis/v9"
)

func main() {
	user, ctx := os.Args[1], context.Background()
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	check(err)
	client := redis.NewClient(options)
	defer client.Close()

	score, err := client.HGet(ctx, "renown:u:"+user, "score").Result()
	if errors.Is(err, redis.Nil) {
		score, err = "none", nil
	}
	check(err)
	fmt.Println("score", score)

	leaders, err := client.ZRevRange(ctx, "renown:top", 0, 2).Result()
	check(err)
	for rank, leader := range leaders {
		score, err := client.HGet(ctx, "renown:u:"+leader, "score").Result()
		if errors.Is(err, redis.Nil) {
			continue // left between the two reads
		}
		check(err)
		fmt.Println("top", rank+1, leader, score)
	}

	days, err := client.HGetAll(ctx, "renown:h:"+user).Result()
	check(err)
	for _, day := range slices.Sorted(maps.Keys(days)) {
		fmt.Println("day", day, days[day])
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
