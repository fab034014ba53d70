package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/artifactory"
	"github.com/ystackdev/ystack/pkg/image/file"
	"github.com/ystackdev/ystack/pkg/image/glance"
	"github.com/ystackdev/ystack/pkg/image/oci"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/image/web"
	"github.com/ystackdev/ystack/pkg/keystone"
)

func newImage(env Env, flags openStackFlags) *cobra.Command {
	s := &imageStores{env: env, flags: flags}
	cmd := group("image", "Images of machines: copy them between Glance, registries, Artifactory and files, and find them again",
		newImageBuild(s), newImageCopy(s), newImagePush(s), newImagePull(s), newImageList(s), newImageShow(s), newImageVerify(s), newImageDelete(s))
	cmd.Long = `Images of machines, for VMs and bare metal, are named by where they are:

  glance://CLOUD/NAME-OR-ID         a cloud of clouds.yaml; glance:///NAME is the cloud in use
  oci://REGISTRY/REPOSITORY:TAG     an OCI artifact in a container registry
  artifactory://HOST/REPOSITORY/PATH  a file in a generic repository
  https://HOST/PATH                 a file of a web server, to copy from
  file:PATH

list, show, verify, push and pull know an image also as APPLICATION:REVISION, and look
for it in the places of the Site file: its cloud, its archive and its registry.`
	offerImages(cmd, s)
	cmd.PersistentFlags().StringVar(&s.sitePath, "site", "", "the Site file (default: $YSTACK_SITE, then $XDG_CONFIG_HOME/ystack/site.yaml)")
	return cmd
}

// imageStores opens the stores that references name, each once.
type imageStores struct {
	env      Env
	flags    openStackFlags
	sitePath string
	imports  bool // Glance stages and imports

	mu     sync.Mutex
	site   *app.Site
	client *image.Client
	oci    *oci.Store
	clouds map[string]*glance.Store
}

// load reads the Site file; copies between full references do without one.
func (s *imageStores) load(needed bool) error {
	site, err := loadSite(s.env, s.sitePath)
	if errors.Is(err, app.ErrNoSite) && !needed {
		site, err = &app.Site{}, nil
	}
	if err != nil {
		return err
	}
	s.on(site)
	return nil
}

func (s *imageStores) on(site *app.Site) {
	s.site = site
	s.client = &image.Client{Insecure: site.Spec.Registries.Insecure, Patience: 5 * time.Minute}
}

func (s *imageStores) open(r store.Ref) (store.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Scheme {
	case store.Glance:
		return s.glance(r.Host)
	case store.OCI:
		if s.oci == nil {
			s.oci = &oci.Store{Client: s.client, StateDir: filepath.Join(s.env.stateDir(), "uploads"), Now: time.Now}
		}
		return s.oci, nil
	case store.Artifactory:
		return s.artifactory(r.Host)
	case store.HTTP, store.HTTPS:
		return &web.Store{Client: &http.Client{Transport: patientTransport()}, UserAgent: "ystack/" + versionOf(s.env).Version}, nil
	}
	return &file.Store{}, nil
}

// glance is the image service of a cloud. OS_* variables and flags are about the cloud
// in use; to another one they do not apply.
func (s *imageStores) glance(cloud string) (store.Store, error) {
	if known := s.clouds[cloud]; known != nil {
		return known, nil
	}
	o := keystone.LoadOptions{Cloud: s.flags["cloud"], Getenv: s.env.Getenv, Overrides: map[string]string{}}
	inUse := o.Cloud
	if inUse == "" {
		inUse = s.env.Getenv("OS_CLOUD")
	}
	if cloud == "" || cloud == inUse {
		for name, value := range s.flags {
			if name != "cloud" {
				o.Overrides[name] = value
			}
		}
	} else {
		o.Cloud, o.Getenv = cloud, s.filesOnly
	}
	noCoreDump()
	cfg, err := keystone.Load(o)
	if err != nil {
		return nil, err
	}
	client, err := keystone.NewClient(cfg, "ystack/"+versionOf(s.env).Version)
	if err != nil {
		return nil, err
	}
	if s.clouds == nil {
		s.clouds = map[string]*glance.Store{}
	}
	s.clouds[cloud] = &glance.Store{Session: keystone.NewSession(client, cfg), Import: s.imports}
	return s.clouds[cloud], nil
}

// filesOnly hides variables that say who somebody is, but not those that say where
// clouds.yaml lies.
func (s *imageStores) filesOnly(name string) string {
	if strings.HasPrefix(name, "OS_") && !strings.HasPrefix(name, "OS_CLIENT_") {
		return ""
	}
	return s.env.Getenv(name)
}

// artifactory is the one of the site if that is at the host: the token is for no other.
func (s *imageStores) artifactory(host string) (store.Store, error) {
	at := &url.URL{Scheme: "https", Host: host, Path: "/artifactory"}
	if image.IsInsecure(host, s.site.Spec.Registries.Insecure) {
		at.Scheme = "http"
	}
	a := &artifactory.Store{URL: at, Client: &http.Client{Transport: patientTransport()}, UserAgent: "ystack/" + versionOf(s.env).Version}
	archive := s.site.Spec.Archive
	if archive == nil || archive.Artifactory == nil {
		return a, nil
	}
	ours, err := url.Parse(archive.Artifactory.URL)
	if err != nil || ours.Host != host {
		return a, err
	}
	a.URL = ours
	token, err := s.token(archive.Artifactory)
	if token != "" {
		a.Authorize = func(r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+token.Reveal())
			return nil
		}
	}
	return a, err
}

func (s *imageStores) token(a *app.Artifactory) (keystone.Secret, error) {
	switch {
	case a.TokenEnv != "":
		value := s.env.Getenv(a.TokenEnv)
		if value == "" {
			return "", fmt.Errorf("spec.archive.artifactory of %s takes its token from $%s, which is not set", s.site.Path, a.TokenEnv)
		}
		return keystone.Secret(value), nil
	case a.TokenFile != "":
		path := a.TokenFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(s.site.Path), path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("the token that spec.archive.artifactory of %s names: %w", s.site.Path, err)
		}
		return keystone.Secret(strings.TrimSpace(string(data))), nil
	}
	return "", nil
}

// patientTransport waits for an answer as long as it takes to store gigabytes.
func patientTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 15 * time.Minute
	return t
}
