package cli

import (
	"fmt"
	"log/slog"
)

// jsonLogger is for what runs long: lines that a log collector takes in.
func jsonLogger(env Env, name string) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level is %q: debug, info, warn or error", name)}
	}
	return slog.New(slog.NewJSONHandler(env.Err, &slog.HandlerOptions{Level: level})), nil
}
