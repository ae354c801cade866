"""What every live source owes, and what each says of its frames."""
