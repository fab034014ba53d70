package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

func newPipeline(env Env) *cobra.Command {
	return group("pipeline", "Take an application from source to running, and look at such runs",
		newPipelineRun(env), newPipelineList(env), newPipelineShow(env), newPipelineLogs(env),
		newPipelineServe(env), newPipelineDeliveries(env), newPipelineHook(env), newPipelineJenkinsfile(env))
}

func openStore(env Env) *pipeline.Store {
	return pipeline.OpenStore(filepath.Clean(env.stateDir()))
}
