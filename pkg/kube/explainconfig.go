package kube

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"k8s.io/client-go/tools/clientcmd"
)

// explainConfig words what is wrong with a kubeconfig.
func explainConfig(err error, config clientcmd.ClientConfig, context string) error {
	files := kubeconfigs(config)
	switch {
	case clientcmd.IsEmptyConfig(err):
		return &Error{ErrNoKubeconfig, fmt.Sprintf("no kubeconfig: %s is missing or empty; "+
			"name one with --kubeconfig or KUBECONFIG", files), err}
	case clientcmd.IsContextNotFound(err), contextMissing().MatchString(err.Error()):
		return noContext(err, config, files)
	case errors.Is(err, fs.ErrNotExist):
		return &Error{ErrNoKubeconfig, fmt.Sprintf("no kubeconfig: %v; name one with --kubeconfig or KUBECONFIG", err), err}
	case context != "":
		return &Error{ErrInvalidKubeconfig, fmt.Sprintf("context %q of %s cannot be used: %v", context, files, err), err}
	}
	return &Error{ErrInvalidKubeconfig, fmt.Sprintf("kubeconfig %s cannot be used: %v", files, err), err}
}

func noContext(err error, config clientcmd.ClientConfig, files string) error {
	known := "none"
	if raw, err := config.RawConfig(); err == nil && len(raw.Contexts) > 0 {
		known = strings.Join(slices.Sorted(maps.Keys(raw.Contexts)), ", ")
	}
	return &Error{ErrNoContext, fmt.Sprintf("%v in %s; known contexts: %s", err, files, known), err}
}

// contextMissing is what clientcmd says without a type of its own.
var contextMissing = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^context "[^"]*" does not exist$`)
})

// kubeconfigs names the files that were looked at.
func kubeconfigs(config clientcmd.ClientConfig) string {
	access := config.ConfigAccess()
	if access == nil {
		return "the kubeconfig"
	}
	if access.IsExplicitFile() {
		return access.GetExplicitFile()
	}
	return strings.Join(access.GetLoadingPrecedence(), ", ")
}
