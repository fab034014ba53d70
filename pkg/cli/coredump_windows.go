package cli

// noCoreDump has nothing to do: Windows writes no dumps unless it is told to.
func noCoreDump() {}
