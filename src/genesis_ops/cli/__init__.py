"""Floor 8, talk: parse the arguments, call one function, show the result, exit."""
