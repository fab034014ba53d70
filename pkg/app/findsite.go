package app

import (
	"fmt"
	"os"
	"path/filepath"
)

// FindSite is the path of the Site file: what --site says, else YSTACK_SITE, else
// site.yaml in the user's configuration. A file that was named must exist; if none was
// named and none is there, the error is [ErrNoSite].
func FindSite(flag string, getenv func(string) string) (string, error) {
	if flag != "" {
		return named(flag, "--site")
	}
	if path := getenv("YSTACK_SITE"); path != "" {
		return named(path, "YSTACK_SITE")
	}
	for _, path := range usualSites(getenv) {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !os.IsNotExist(err) {
			return "", fmt.Errorf("look for the Site file: %w", err)
		}
	}
	return "", ErrNoSite
}

func named(path, source string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the Site file that %s names: %w", source, err)
	}
	return path, nil
}

// usualSites follows the XDG specification: a relative XDG_CONFIG_HOME is ignored.
func usualSites(getenv func(string) string) []string {
	var all []string
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		all = append(all, filepath.Join(dir, "ystack", "site.yaml"))
	}
	if home := getenv("HOME"); home != "" {
		all = append(all, filepath.Join(home, ".config", "ystack", "site.yaml"))
	}
	return all
}
