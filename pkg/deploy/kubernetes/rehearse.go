package kubernetes

import (
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ystackdev/ystack/pkg/kube"
)

// unbuilt stands for the digest of an image that is still to be made, where the
// server is asked whether it would take what runs it.
var unbuilt = "sha256:" + strings.Repeat("0", 64)

// leftToApply says that a rehearsal's failure need not be one of the real thing:
// the release brings the namespace itself, admission may mind the image that is
// not there yet, and a webhook may not take part in rehearsals.
func leftToApply(_ Object, err error) bool {
	return apierrors.IsNotFound(err) || errors.Is(err, kube.ErrForbidden) || strings.Contains(err.Error(), "does not support dry run")
}
