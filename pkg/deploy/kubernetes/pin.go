package kubernetes

import "strings"

// pin sets the image of every container that runs the application's to the
// release's digest, and says whether there was one. It looks for containers
// wherever they are, so that custom resources with pod templates work too.
func pin(value any, r Release) bool {
	found := false
	switch value := value.(type) {
	case object:
		for key, child := range value {
			if key == "containers" || key == "initContainers" {
				found = pinContainers(child, r) || found
			}
			found = pin(child, r) || found
		}
	case []any:
		for _, child := range value {
			found = pin(child, r) || found
		}
	}
	return found
}

func pinContainers(list any, r Release) bool {
	found := false
	containers, _ := list.([]any)
	for _, c := range containers {
		c, _ := c.(object)
		if image, _ := c["image"].(string); image != "" && runs(image, r) {
			c["image"] = r.Image
			found = true
		}
	}
	return found
}

// runs says whether an image of a manifest stands for the release's: the same
// repository, whatever the tag, or the bare name of the application.
func runs(image string, r Release) bool {
	name := repository(image)
	return name == repository(r.Image) || name == r.App
}

// repository is an image reference without tag and digest.
func repository(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		name = name[:colon]
	}
	return name
}
