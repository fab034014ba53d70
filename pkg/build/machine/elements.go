package machine

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/build"
)

// planElements checks that diskimage-builder is there, and the elements of the
// application's own.
func (b *Builder) planElements(ctx context.Context, p *Plan) (err error) {
	if p.path, err = b.LookPath("disk-image-create"); err != nil {
		return fmt.Errorf("disk-image-create is not in PATH; install diskimage-builder")
	}
	if path := p.Elements.ElementsPath; path != "" {
		info, err := os.Stat(p.file(path))
		if err != nil || !info.IsDir() {
			return fmt.Errorf("the directory of elements %s does not exist; diskimageBuilder.elementsPath of ystack.yaml names it", p.file(path))
		}
	}
	if p.Tool, err = version(ctx, "diskimage-builder", p.path); err != nil {
		return err
	}
	p.Base = strings.Join(p.Elements.Elements, " ")
	return p.sum(map[string]any{"elements": p.Elements, "release": b.Getenv("DIB_RELEASE"), "target": p.Target})
}

// file is one that diskimage-builder has made.
type file struct {
	path, format string
	part         string // what it is of the image; empty for the disk itself
}

// runElements makes the image in the build's directory.
func (b *Builder) runElements(ctx context.Context, p *Plan, n *note) ([]file, error) {
	out := filepath.Join(n.Work, "image")
	format := cmp.Or(p.Elements.Format, "qcow2")
	env := []string{
		mark + "=" + n.Work, "TMP_DIR=" + n.Work, "PYTHONUNBUFFERED=1",
		"YSTACK_APPLICATION=" + p.App, "YSTACK_REVISION=" + p.Revision.String(), "YSTACK_DIRECTORY=" + p.Dir,
	}
	if path := p.Elements.ElementsPath; path != "" {
		env = append(env, "ELEMENTS_PATH="+p.file(path))
	}
	for name, value := range p.Elements.Env {
		env = append(env, name+"="+value)
	}
	// On disk, where --clean finds what was left, and not in memory.
	args := append([]string{"--no-tmpfs", "-t", format, "-o", out}, p.Elements.Elements...)
	b.Report("diskimage", strings.Join(p.Elements.Elements, " "))
	stages := lineWriter(func(line string) {
		fmt.Fprintln(b.Log, line)
		if stage := stageOf(line); stage != "" {
			b.Report("diskimage", stage)
		}
	})
	tail, err := build.Tool{Path: p.path, Args: args, Env: env, Log: stages}.Run(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("diskimage-builder: %s", cmp.Or(complaint(tail), err.Error()))
	}
	files := []file{{out + "." + format, format, ""}}
	if slices.Contains(p.Elements.Elements, "baremetal") {
		files = append(files, file{out + ".vmlinuz", "aki", "-kernel"}, file{out + ".initrd", "ari", "-ramdisk"})
	}
	for _, f := range files {
		if _, err := os.Stat(f.path); err != nil {
			return nil, fmt.Errorf("diskimage-builder ended well and left no %s", filepath.Base(f.path))
		}
	}
	return files, nil
}

// stageOf is the stage that a line of the log begins.
func stageOf(line string) string {
	_, text, _ := strings.Cut(line, " | ")
	script, running := strings.CutPrefix(text, "dib-run-parts Running ")
	if running {
		parts := strings.Split(script, "/")
		return strings.Join(parts[max(0, len(parts)-2):], "/")
	}
	if strings.HasPrefix(text, "Converting image") {
		return "convert"
	}
	return ""
}

// complaint is the line of the log's end that says most about a failure: apt's first, or
// else the last that is not about tidying up.
func complaint(tail []string) string {
	found := ""
	for _, line := range tail {
		if _, text, stamped := strings.Cut(line, " | "); stamped {
			line = text
		}
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "E: "):
			return line
		case line != "" && !strings.HasPrefix(line, "Unmount ") && !strings.HasPrefix(line, "INFO ") && !strings.HasPrefix(line, "***"):
			found = line
		}
	}
	return found
}
