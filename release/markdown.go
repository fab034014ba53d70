package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const referenceDir = "docs/reference"

// reference is a page for each verb, with the commands below it, and one that lists them.
func reference() []entry {
	var index bytes.Buffer
	fmt.Fprint(&index, "# Reference\n\nWhat `--help` tells, made from the commands by `make generate`.\n")
	var files []entry
	for _, root := range roots() {
		fmt.Fprintf(&index, "\n## %s\n\n%s.\n\n| command | |\n|---|---|\n", root.CommandPath(), root.Short)
		for _, verb := range below(root) {
			var page bytes.Buffer
			section(&page, verb, 1)
			name := fileName(verb) + ".md"
			files = append(files, entry{referenceDir + "/" + name, 0o644, page.Bytes()})
			fmt.Fprintf(&index, "| [`%s`](%s) | %s |\n", verb.CommandPath(), name, escaped(verb.Short))
			for _, sub := range deeper(verb) {
				fmt.Fprintf(&index, "| [`%s`](%s#%s) | %s |\n", sub.CommandPath(), name, fileName(sub), escaped(sub.Short))
			}
		}
		if set := flags(root, true); set.HasFlags() {
			fmt.Fprintf(&index, "\nAll of them take:\n\n%s", block(set.FlagUsages()))
		}
	}
	return append(files, entry{referenceDir + "/README.md", 0o644, index.Bytes()})
}

// deeper are all commands below a command.
func deeper(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, sub := range below(cmd) {
		all = append(append(all, sub), deeper(sub)...)
	}
	return all
}

func section(page *bytes.Buffer, cmd *cobra.Command, level int) {
	fmt.Fprintf(page, "%s %s\n\n%s.\n\n%s", strings.Repeat("#", min(level, 3)), cmd.CommandPath(), escaped(cmd.Short), block(usage(cmd)))
	for _, p := range paragraphs(cmd.Long) {
		if p.asIs {
			fmt.Fprintf(page, "\n%s", block(p.text))
		} else {
			fmt.Fprintf(page, "\n%s\n", escaped(p.text))
		}
	}
	if cmd.Example != "" {
		fmt.Fprintf(page, "\nExamples:\n\n%s", block(unindented(cmd.Example)))
	}
	if set := flags(cmd, true); set.HasFlags() {
		fmt.Fprintf(page, "\nFlags:\n\n%s", block(set.FlagUsages()))
	}
	if set := flags(cmd, false); set.HasFlags() {
		var names []string
		set.VisitAll(func(f *pflag.Flag) { names = append(names, "`--"+f.Name+"`") })
		fmt.Fprintf(page, "\nOf the commands above: %s.\n", strings.Join(names, ", "))
	}
	for _, sub := range below(cmd) {
		fmt.Fprintln(page)
		section(page, sub, level+1)
	}
}

// block is text that stands as it is.
func block(text string) string { return "```\n" + strings.TrimRight(text, "\n") + "\n```\n" }

// escaped is text that means nothing to Markdown.
func escaped(text string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "|", `\|`, "_", `\_`, "[", `\[`).Replace(text)
}
