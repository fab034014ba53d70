package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// credentials are where docker login, podman login and buildah login leave them.
func (c *Client) credentials() authn.Keychain {
	if c.Keychain != nil {
		return c.Keychain
	}
	return authn.NewMultiKeychain(authn.DefaultKeychain, containersAuth{authFiles(os.Getenv)})
}

// authFiles lists the files of podman and buildah (containers-auth.json(5)) in the order in which these
// look. The library below knows some of them, and only for users who have no
// configuration of docker's.
func authFiles(getenv func(string) string) []string {
	if file := getenv("REGISTRY_AUTH_FILE"); file != "" {
		return []string{file}
	}
	var files []string
	for _, place := range []struct{ variable, below, otherwise string }{
		{"XDG_RUNTIME_DIR", "containers", filepath.Join("/run/containers", strconv.Itoa(os.Getuid()))},
		{"XDG_CONFIG_HOME", "containers", filepath.Join(getenv("HOME"), ".config/containers")},
	} {
		dir := place.otherwise
		if base := getenv(place.variable); base != "" {
			dir = filepath.Join(base, place.below)
		}
		if filepath.IsAbs(dir) {
			files = append(files, filepath.Join(dir, "auth.json"))
		}
	}
	return files
}

// containersAuth finds credentials in files as podman login writes them.
type containersAuth struct{ files []string }

// Resolve looks for the repository first, then for what it lies under, then for
// the registry.
func (a containersAuth) Resolve(target authn.Resource) (authn.Authenticator, error) {
	for _, file := range a.files {
		logins, err := readAuth(file)
		if err != nil {
			return nil, err
		}
		for key := dockerHubName(target.String()); key != ""; {
			if login, ok := logins[key]; ok {
				return authn.FromConfig(login), nil
			}
			key = key[:max(0, strings.LastIndex(key, "/"))]
		}
	}
	return authn.Anonymous, nil
}

func readAuth(file string) (map[string]authn.AuthConfig, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("credentials for registries: %w", err)
	}
	var auth struct {
		Auths map[string]authn.AuthConfig `json:"auths"`
	}
	if err := json.Unmarshal(content, &auth); err != nil {
		return nil, fmt.Errorf("credentials for registries: %s is not as podman login writes it", file)
	}
	return auth.Auths, nil
}
