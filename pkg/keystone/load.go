package keystone

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// LoadOptions say where a configuration is looked for.
type LoadOptions struct {
	// Cloud is what --os-cloud says, before OS_CLOUD.
	Cloud string
	// Getenv reads the environment; nil stands for an empty one.
	Getenv func(string) string
	// Dir is the working directory; empty stands for the process's own.
	Dir string
	// ConfigDirs are searched after Dir; nil stands for the user's and the machine's.
	ConfigDirs []string
	// Overrides are values of flags by openstackclient's names: auth_url, project_name …
	// One by name replaces what files and variables say by id, and the other way round.
	Overrides map[string]string
}

type loader struct {
	LoadOptions
	problems []error
	// clouds is clouds.yaml, secure is secure.yaml; nil where there is none.
	clouds, secure         *node
	cloudsPath, securePath string
}

// Load finds the configuration of a cloud as openstackclient does: the cloud that
// Cloud or OS_CLOUD names in clouds.yaml, with OS_* variables above it and flags above
// those; without a name the variables alone; without variables the only cloud of
// clouds.yaml. When just something is missing, the error is an [IncompleteError] and
// holds what is known.
func Load(o LoadOptions) (*Config, error) {
	l := &loader{LoadOptions: o}
	if l.Dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		l.Dir = dir
	}
	if err := l.readFiles(); err != nil {
		return nil, err
	}
	s, name, err := l.settings()
	if err != nil {
		return nil, err
	}
	cfg := l.bind(s)
	if err := errors.Join(l.problems...); err != nil {
		return nil, err
	}
	cfg.Cloud = name
	if missing := cfg.Missing(); len(missing) > 0 {
		return nil, &IncompleteError{Missing: missing, Config: cfg}
	}
	return cfg, nil
}

func (l *loader) getenv(name string) string {
	if l.Getenv == nil {
		return ""
	}
	return l.Getenv(name)
}

func (l *loader) readFiles() (err error) {
	if l.clouds, l.cloudsPath, err = first(l.searched("clouds", "OS_CLIENT_CONFIG_FILE")); err != nil {
		return err
	}
	l.secure, l.securePath, err = first(l.searched("secure", "OS_CLIENT_SECURE_FILE"))
	return err
}

// settings are those of the chosen cloud, with everything above it, and its name.
func (l *loader) settings() (*settings, string, error) {
	environment, flags := l.environment(), l.flags()
	name, err := l.choose(len(environment) > 0 || len(flags) > 0)
	if err != nil {
		return nil, "", err
	}
	s := newSettings()
	if name != "" {
		if err := l.cloud(s, name, regionOf(environment, flags)); err != nil {
			return nil, "", err
		}
	}
	for key, v := range environment {
		s.top[key] = v
	}
	s.override(flags)
	s.normalise()
	return s, name, nil
}

// choose is the name of the cloud in clouds.yaml, or "" for the environment alone.
func (l *loader) choose(given bool) (string, error) {
	name, by := l.Cloud, "--os-cloud"
	if name == "" {
		name, by = l.getenv("OS_CLOUD"), "OS_CLOUD"
	}
	names := l.names()
	switch {
	case name != "" && len(l.find(name)) > 0:
		return name, nil
	case name != "" && name == l.ownName() && given:
		return "", nil
	case name != "":
		return "", l.noCloud(name, by, names)
	case given:
		return "", nil
	case len(names) == 1:
		return names[0], nil
	case len(names) > 1:
		return "", &kindError{ErrNoCloud, fmt.Sprintf("%s has several clouds (%s); name one with --os-cloud or OS_CLOUD",
			l.cloudsPath, list(names))}
	}
	return "", &kindError{ErrNoConfig, "no OpenStack credentials: there is no clouds.yaml (looked in " +
		strings.Join(append([]string{l.Dir}, l.dirs()...), ", ") +
		") and no OS_AUTH_URL; write one, name it with OS_CLIENT_CONFIG_FILE, or source an openrc file"}
}

// ownName is what openstacksdk calls the cloud that the variables describe.
func (l *loader) ownName() string {
	if name := l.getenv("OS_CLOUD_NAME"); name != "" {
		return name
	}
	return "envvars"
}

func (l *loader) noCloud(name, by string, names []string) error {
	if l.cloudsPath == "" {
		return &kindError{ErrNoCloud, fmt.Sprintf("%s asks for cloud %q, but there is no clouds.yaml; looked for %s",
			by, name, strings.Join(l.searched("clouds", "OS_CLIENT_CONFIG_FILE"), ", "))}
	}
	known := "it has none"
	if len(names) > 0 {
		known = "it has " + list(names) + suggest.DidYouMean(name, names)
	}
	return &kindError{ErrNoCloud, fmt.Sprintf("%s asks for cloud %q, which is not in %s: %s", by, name, l.cloudsPath, known)}
}

// names are the clouds of both files.
func (l *loader) names() []string {
	var names []string
	seen := map[string]bool{}
	for _, file := range []*node{l.clouds, l.secure} {
		if clouds := file.child("clouds"); clouds != nil && clouds.kind == objectNode {
			for _, e := range clouds.entries {
				if !seen[e.key] {
					seen[e.key] = true
					names = append(names, e.key)
				}
			}
		}
	}
	return names
}

// find is a cloud's entries in clouds.yaml and secure.yaml, the stronger one last.
func (l *loader) find(name string) []entry {
	var found []entry
	for _, file := range []*node{l.clouds, l.secure} {
		if clouds := file.child("clouds"); clouds != nil {
			for _, e := range clouds.entries {
				if e.key == name {
					found = append(found, e)
				}
			}
		}
	}
	return found
}
