package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manPages is a page for each command, in man/man1.
func manPages(version string, when time.Time) []entry {
	var pages []entry
	for _, root := range roots() {
		for _, cmd := range append([]*cobra.Command{root}, deeper(root)...) {
			page := manPage(cmd, version, when)
			pages = append(pages, entry{"man/man1/" + fileName(cmd) + ".1", 0o644, page})
		}
	}
	return pages
}

// manPage is in the language of man(7), which groff and mandoc read.
func manPage(cmd *cobra.Command, version string, when time.Time) []byte {
	var p bytes.Buffer
	title := fileName(cmd)
	if len(title) > 30 { // twice on a line, with the date in between
		title = fileName(cmd.Root())
	}
	fmt.Fprintf(&p, ".TH %s 1 %q %q %q\n", roff(strings.ToUpper(title)), when.UTC().Format("2006-01-02"), "ystack "+version, "ystack")
	p.WriteString(".nh\n.ad l\n")
	fmt.Fprintf(&p, ".SH NAME\n%s \\- %s\n", roff(fileName(cmd)), roff(cmd.Short))
	fmt.Fprintf(&p, ".SH SYNOPSIS\n%s", asIs(usage(cmd)))
	p.WriteString(".SH DESCRIPTION\n")
	if cmd.Long == "" {
		fmt.Fprintf(&p, "%s.\n", roff(cmd.Short))
	}
	for i, part := range paragraphs(cmd.Long) {
		switch {
		case part.asIs:
			p.WriteString(".PP\n.RS 4\n" + asIs(part.text) + ".RE\n")
		case i > 0:
			p.WriteString(".PP\n" + roff(part.text) + "\n")
		default:
			p.WriteString(roff(part.text) + "\n")
		}
	}
	if subs := below(cmd); len(subs) > 0 {
		p.WriteString(".SH COMMANDS\n")
		for _, sub := range subs {
			fmt.Fprintf(&p, ".TP\n\\fB%s\\fR(1)\n%s.\n", roff(fileName(sub)), roff(sub.Short))
		}
	}
	manFlags(&p, "OPTIONS", flags(cmd, true))
	manFlags(&p, "OPTIONS OF THE COMMANDS ABOVE", flags(cmd, false))
	if cmd.Example != "" {
		p.WriteString(".SH EXAMPLES\n" + asIs(unindented(cmd.Example)))
	}
	if cmd.HasParent() {
		fmt.Fprintf(&p, ".SH SEE ALSO\n\\fB%s\\fR(1)\n", roff(fileName(cmd.Parent())))
	} else {
		p.WriteString(".SH EXIT STATUS\n" + exitStatuses)
	}
	return p.Bytes()
}

// exitStatuses are those of pkg/cli.
const exitStatuses = `.TP
0
Done.
.TP
1
Failed; with \-\-diff, there are differences.
.TP
2
The command line cannot be understood; with \-\-diff, any error.
.TP
124
\-\-timeout ran out.
.TP
130
Interrupted.
`

func manFlags(p *bytes.Buffer, title string, set *pflag.FlagSet) {
	if !set.HasFlags() {
		return
	}
	fmt.Fprintf(p, ".SH %s\n", title)
	set.VisitAll(func(f *pflag.Flag) {
		name, text := pflag.UnquoteUsage(f)
		p.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(p, "\\fB\\-%s\\fR, ", f.Shorthand)
		}
		fmt.Fprintf(p, "\\fB\\-\\-%s\\fR", roff(f.Name))
		switch {
		case f.NoOptDefVal != "" && f.Value.Type() != "bool":
			fmt.Fprintf(p, "[=\\fI%s\\fR]", roff(name))
		case name != "":
			fmt.Fprintf(p, " \\fI%s\\fR", roff(name))
		}
		fmt.Fprintf(p, "\n%s\n", roff(text))
	})
}

// asIs is text whose lines stay as they are.
func asIs(text string) string { return ".nf\n" + roff(text) + "\n.fi\n" }

// roff is text that means nothing to roff: in ASCII, so that it shows in every locale.
func roff(text string) string {
	var out strings.Builder
	start := true
	for _, r := range strings.TrimRight(text, "\n") {
		switch {
		case r == '\\':
			out.WriteString(`\e`)
		case r == '-':
			out.WriteString(`\-`)
		case (r == '.' || r == '\'') && start:
			out.WriteString(`\&` + string(r))
		case r == '\'':
			out.WriteString(`\(aq`)
		case r == '`':
			out.WriteString("\\(ga")
		case r > 126:
			fmt.Fprintf(&out, `\[u%04X]`, r)
		default:
			out.WriteRune(r)
		}
		start = r == '\n'
	}
	return out.String()
}
