// Prints a user's score, the top three and the user's days: java -cp 'lib/*' Score.java github:torvalds
import java.net.URI;
import java.util.List;
import java.util.TreeMap;
import redis.clients.jedis.RedisClient;

public class Score {
    public static void main(String[] arguments) {
        String user = arguments[0];
        try (RedisClient redis = RedisClient.create(URI.create(System.getenv("REDIS_URL")))) {
            String score = redis.hget("renown:u:" + user, "score");
            System.out.println("score " + (score == null ? "none" : score));

            List<String> leaders = redis.zrevrange("renown:top", 0, 2);
            for (int at = 0; at < leaders.size(); at++) {
                String leader = leaders.get(at);
                String shown = redis.hget("renown:u:" + leader, "score");
                if (shown != null) { // else left between the two reads
                    System.out.println("top " + (at + 1) + " " + leader + " " + shown);
                }
            }

            new TreeMap<>(redis.hgetAll("renown:h:" + user))
                .forEach((day, shown) -> System.out.println("day " + day + " " + shown));
        }
    }
}
