package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/completion"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/tui"
)

type tuiOptions struct {
	Contexts   []string
	Clouds     []string
	Kubeconfig string
	Site       string
	TenantSync string
	ReadOnly   bool
	ASCII      bool
}

// NewTUI is `kubectl ystack tui` in the program that has the screen.
func NewTUI(env Env) *cobra.Command {
	o := &tuiOptions{}
	cmd := o.command(func(cmd *cobra.Command) error { return o.run(cmd.Context(), env) })
	cmd.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl ystack tui"}
	return withStreams(cmd, env)
}

// newTUI is the verb of `kubectl ystack`, which hands over to that program.
func newTUI(env Env) *cobra.Command {
	o := &tuiOptions{}
	return o.command(func(cmd *cobra.Command) error { return handOver(cmd, env) })
}

func (o *tuiOptions) command(run func(*cobra.Command) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tui",
		Short: "Look at runs, cluster, tenants, network and cloud on one live screen",
		Long: `Shows on the terminal, live: the runs of the pipeline with their steps and logs;
nodes, components, applications, pods and events of clusters; namespaces and
roles of tenants, and how far they have drifted from Keystone; which Services
are advertised, and the BGP sessions; servers, bare-metal nodes and images.

What cannot be reached says so, is tried again, and holds nothing else up.
Actions ask first; with --readonly there are none. ? shows the keys.

NO_COLOR turns colours off. RUNEWIDTH_EASTASIAN=1 says that the terminal shows
characters of ambiguous width in two cells.`,
		Example: examples(
			"kubectl ystack tui",
			"kubectl ystack tui --context east,west --os-cloud mycloud --readonly",
			"kubectl ystack tui --tenant-sync tenants.yaml"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Contexts, "context", nil, "contexts of the kubeconfig (default: the site's, then the current one)")
	f.StringSliceVar(&o.Clouds, "os-cloud", nil, "clouds in clouds.yaml (default: the site's, then $OS_CLOUD)")
	f.StringVar(&o.Kubeconfig, "kubeconfig", "", "path to the kubeconfig file to use")
	f.StringVar(&o.TenantSync, "tenant-sync", "", "a TenantSync: show what tenant-sync -f would change")
	f.BoolVar(&o.ReadOnly, "readonly", false, "no actions, and nothing is written anywhere")
	f.BoolVar(&o.ASCII, "ascii", false, "draw with ASCII characters only")
	addSiteFlag(cmd, &o.Site)
	return cmd
}

func (o *tuiOptions) run(ctx context.Context, env Env) error {
	in, out, err := screenOf(env)
	if err != nil {
		return err
	}
	site, err := loadSite(env, o.Site)
	if errors.Is(err, app.ErrNoSite) {
		site, err = &app.Site{}, nil
	}
	if err != nil {
		return err
	}
	noCoreDump()
	loading := clientcmd.NewDefaultClientConfigLoadingRules()
	loading.ExplicitPath = o.Kubeconfig
	store := filepath.Clean(env.stateDir())
	options := tui.Options{In: in, Out: out, Layout: o.layout(env, site, loading), Sources: tui.Sources{
		Store: pipeline.OpenStore(store), StateDir: store,
		Cluster: func(name string) (*kube.Client, error) {
			return kube.Load(loading, &clientcmd.ConfigOverrides{CurrentContext: name}, "ystack")
		},
		Cloud: func(name string) (*keystone.Session, error) {
			session, _, err := keystoneSession(env, name) // its connections end with the process
			return session, err
		},
		Rerun: func(r pipeline.Run) error { return rerun(r, site.Path, o.Kubeconfig) },
	}}
	if o.TenantSync != "" {
		options.TenantSync = func() (*app.TenantSync, error) { return app.LoadTenantSync(o.TenantSync) }
		if len(options.Clouds) > 0 {
			options.TenantCloud = options.Clouds[0]
		}
	}
	mute()
	return tui.Run(ctx, options)
}

// mute keeps what others would write to the screen or read from the keyboard, such as
// credential plugins that client-go starts, from both. It is for the rest of the process:
// a plugin may be under way when the screen ends.
func mute() {
	if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
		os.Stdin, os.Stderr = null, null
	}
}

// screenOf is the terminal; it takes one to show something live.
func screenOf(env Env) (in, out *os.File, err error) {
	in, _ = env.In.(*os.File)
	out, _ = env.Out.(*os.File)
	if in == nil || out == nil || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) || env.Getenv("TERM") == "dumb" {
		return nil, nil, errors.New("tui needs a terminal as standard input and output, and TERM other than dumb; " +
			"without one, use pipeline list, advertise-clusterip status, tenant-sync --diff …")
	}
	return in, out, nil
}

// layout is what flags, site and files agree on. It reads files only.
func (o *tuiOptions) layout(env Env, site *app.Site, loading *clientcmd.ClientConfigLoadingRules) tui.Layout {
	l := tui.Layout{
		Contexts: o.Contexts, Clouds: o.Clouds, Drift: o.TenantSync != "", ReadOnly: o.ReadOnly, ASCII: o.ASCII,
		NoColor: env.Getenv("NO_COLOR") != "", Wide: env.Getenv("RUNEWIDTH_EASTASIAN") == "1",
	}
	if len(l.Contexts) == 0 {
		current := site.Spec.Kubernetes.Context
		if raw, err := loading.Load(); err == nil && current == "" {
			current = raw.CurrentContext
		}
		l.Contexts = []string{current}
	}
	if len(l.Clouds) == 0 {
		l.Clouds = []string{cmp.Or(site.Spec.OpenStack.Cloud, env.Getenv("OS_CLOUD"))}
	}
	return l
}

// rerun starts the run's pipeline as a process of its own, which goes on when this one
// ends, and waits for it.
func rerun(r pipeline.Run, site, kubeconfig string) error {
	path, err := beside(completion.Plugin)
	if err != nil {
		return err
	}
	args := []string{"pipeline", "run", r.Dir}
	if r.Target != "" {
		args = append(args, "--target", r.Target)
	}
	if site != "" {
		args = append(args, "--site", site)
	}
	if kubeconfig != "" {
		args = append(args, "--kubeconfig", kubeconfig)
	}
	cmd := exec.Command(path, args...)
	ownGroup(cmd)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return fmt.Errorf("%s (%w)", lines[len(lines)-1], err)
}
