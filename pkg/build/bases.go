package build

import (
	"slices"
	"strings"
)

// scratch is the name of no image at all.
const scratch = "scratch"

// Bases lists the external images that building target (last stage if empty)
// needs, in order of appearance: FROM, COPY --from and RUN --mount=from, with
// args filled in. Resolve each and pass them on as Request.Bases.
func Bases(dockerfile []byte, args map[string]string, target string) ([]string, error) {
	d, err := parseDockerfile("Dockerfile", dockerfile, args)
	if err != nil {
		return nil, err
	}
	return d.bases(target)
}

// ReadBases is Bases for the Dockerfile at path, which its errors name.
func ReadBases(path string, args map[string]string, target string) ([]string, error) {
	d, err := readDockerfile(path, args)
	if err != nil {
		return nil, err
	}
	return d.bases(target)
}

func (d *dockerfile) bases(target string) ([]string, error) {
	refs, err := d.external(target)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, ref := range refs {
		if !slices.Contains(names, ref.name) {
			names = append(names, ref.name)
		}
	}
	return names, nil
}

// reference is an external image as a Dockerfile mentions it.
type reference struct {
	name string // with ARGs filled in
	raw  string // as written
}

// external lists what the stages reachable from target refer to.
func (d *dockerfile) external(target string) ([]reference, error) {
	last, err := d.target(target)
	if err != nil {
		return nil, err
	}
	needed := make([]bool, len(d.stages))
	perStage := make([][]reference, len(d.stages))
	queue := []int{last}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		if needed[i] {
			continue
		}
		needed[i] = true
		var more []int
		if perStage[i], more, err = d.uses(i); err != nil {
			return nil, err
		}
		queue = append(queue, more...)
	}
	return slices.Concat(perStage...), nil
}

// uses lists the external images and the stages that one stage refers to.
func (d *dockerfile) uses(i int) (images []reference, stages []int, err error) {
	note := func(ref reference, limit int, numbered bool) {
		if j, ok := d.stageIndex(ref.name, limit, numbered); ok {
			stages = append(stages, j)
		} else if ref.name != scratch {
			images = append(images, ref)
		}
	}
	s := d.stages[i]
	note(reference{name: s.base, raw: s.raw}, i, false)
	for _, node := range s.nodes {
		froms, err := d.froms(node)
		if err != nil {
			return nil, nil, err
		}
		for _, from := range froms {
			note(reference{name: from, raw: from}, len(d.stages), true)
		}
	}
	return images, stages, nil
}

// froms reads COPY --from=X and RUN --mount=…,from=X. ONBUILD is for the images
// built on top of this one, so its content does not count.
func (d *dockerfile) froms(node instruction) ([]string, error) {
	var froms []string
	for _, flag := range node.flags {
		key, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		from := ""
		switch {
		case strings.EqualFold(node.keyword, "COPY") && key == "from":
			from = value
		case strings.EqualFold(node.keyword, "RUN") && key == "mount":
			from = mountFrom(value)
		}
		if strings.Contains(from, "$") {
			return nil, d.errorf(node, "%s: no variables here; name a stage, and let its FROM use the ARG", flag)
		}
		if from != "" {
			froms = append(froms, from)
		}
	}
	return froms, nil
}

// mountFrom finds from=… in the value of RUN --mount.
func mountFrom(mount string) string {
	for field := range strings.SplitSeq(mount, ",") {
		key, value, _ := strings.Cut(strings.Trim(field, `"`), "=")
		if strings.EqualFold(key, "from") {
			return value
		}
	}
	return ""
}
