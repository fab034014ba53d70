package kubernetes

import (
	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// Release is one image of one application, and how it is to run in a cluster.
type Release struct {
	deploy.Release
	Spec   app.ContainerDeploy
	Health *app.Health
	Dir    string // Spec.Manifests is relative to it
}
