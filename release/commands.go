package main

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ystackdev/ystack/pkg/cli"
)

// roots are the command trees, to look at.
func roots() []*cobra.Command { return trees(io.Discard) }

// trees are the commands as they are on a machine where nothing is set.
func trees(out io.Writer) []*cobra.Command {
	env := cli.Env{In: strings.NewReader(""), Out: out, Err: io.Discard, Getenv: func(string) string { return "" }}
	return []*cobra.Command{cli.NewKubectl(env), cli.NewOpenStack(env)}
}

// below are the commands that help shows.
func below(cmd *cobra.Command) []*cobra.Command {
	var shown []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			shown = append(shown, sub)
		}
	}
	return shown
}

// fileName is a command's name with dashes, as man wants it.
func fileName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// usage is how a command is called.
func usage(cmd *cobra.Command) string {
	if len(below(cmd)) > 0 && !strings.Contains(cmd.Use, " ") {
		return cmd.UseLine() + "\n" + cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}

// flags are a command's own, or those that it has from the ones above it.
func flags(cmd *cobra.Command, own bool) *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = true
	all := cmd.InheritedFlags()
	if own {
		all = cmd.NonInheritedFlags()
	}
	all.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			set.AddFlag(f)
		}
	})
	return set
}

// paragraph is a part of a long description: text, or lines that stand as they are.
type paragraph struct {
	asIs bool
	text string
}

// paragraphs takes a long description apart. Indented lines stand as they are.
func paragraphs(long string) []paragraph {
	var all []paragraph
	var lines []string
	asIs := false
	end := func() {
		if len(lines) > 0 {
			all = append(all, paragraph{asIs, strings.Join(lines, "\n")})
		}
		lines = nil
	}
	for _, line := range strings.Split(long, "\n") {
		indented := strings.HasPrefix(line, "  ")
		if strings.TrimSpace(line) == "" || indented != asIs {
			end()
		}
		if strings.TrimSpace(line) != "" {
			asIs = indented
			lines = append(lines, strings.TrimPrefix(line, "  "))
		}
	}
	end()
	return all
}

// unindented are the examples without cobra's two spaces.
func unindented(example string) string {
	return strings.TrimPrefix(strings.ReplaceAll("\n"+example, "\n  ", "\n"), "\n")
}

// completions are the scripts of both programs for each shell.
func completions() ([]entry, error) {
	var files []entry
	for _, shell := range []struct{ name, suffix string }{{"bash", "bash"}, {"zsh", "zsh"}, {"fish", "fish"}, {"powershell", "ps1"}} {
		var out bytes.Buffer
		for _, root := range trees(&out) {
			root.SetArgs([]string{"completion", shell.name})
			if err := root.Execute(); err != nil {
				return nil, err
			}
			files = append(files, entry{"completions/" + root.Name() + "." + shell.suffix, 0o644, bytes.Clone(out.Bytes())})
			out.Reset()
		}
	}
	return files, nil
}
