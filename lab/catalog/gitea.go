//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/service"
)

const (
	giteaAddress = "127.0.0.1:15030" // on the machine itself
	giteaURL     = "http://" + giteaAddress
)

// The secrets are for this lab only and protect nothing. They are fixed, since
// Gitea would write others into its configuration.
const giteaConf = `APP_NAME = The lab's code registry
RUN_USER = root
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = {{.State "gitea"}}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = 15030
ROOT_URL = ` + giteaURL + `/
APP_DATA_PATH = {{.State "gitea"}}/data
STATIC_ROOT_PATH = {{.Bin "gitea-data"}}
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = {{.State "gitea"}}/gitea.db
SQLITE_JOURNAL_MODE = WAL
[repository]
ROOT = {{.State "gitea"}}/repositories
ENABLE_PUSH_CREATE_USER = true
[security]
INSTALL_LOCK = true
SECRET_KEY = secret-of-the-lab
INTERNAL_TOKEN = secret-of-the-lab
PASSWORD_HASH_ALGO = pbkdf2$1000$50
[service]
DISABLE_REGISTRATION = true
[oauth2]
ENABLED = false
JWT_SECRET = c2VjcmV0LW9mLXRoZS1sYWItcHJvdGVjdHMtbm9uZSE
[actions]
ENABLED = false
[webhook]
ALLOWED_HOST_LIST = loopback
[cron]
ENABLED = false
[log]
LEVEL = warn
ROOT_PATH = {{.State "gitea"}}/log
`

// sitePush is the lab's site with its code registry, for kubectl ystack pipeline serve.
const sitePush = site + `  code:
    kind: gitea
    url: ` + giteaURL + `
    tokenFile: {{.Etc "gitea/token"}}
    secretFile: {{.Etc "gitea/hook-secret"}}
    routes:
      - {repository: dev/hello, branch: main}
`

// gitea is the code registry. It runs on the machine itself: from inside the
// node its hooks would reach nobody there.
func gitea() *service.Service {
	return &service.Service{
		Name:     "gitea",
		Host:     true,
		Address:  giteaURL,
		Packages: map[string]string{"git": "/usr/bin/git", "gcc": "/usr/bin/gcc", "libc6-dev": "/usr/include/stdlib.h"},
		Builds:   []string{"gitea"},
		Files: map[string]string{
			"gitea/app.ini":     giteaConf,
			"gitea/hook-secret": "secret-of-the-hooks\n",
			"site-push.yaml":    sitePush,
		},
		Command: func(l *service.Lab) []string { return giteaCommand(l, "web") },
		Ready: func(ctx context.Context, _ *service.Lab) error {
			return giteaClient("", "").call(ctx, "GET", "/version", nil, nil)
		},
		Seed: seedGitea,
	}
}

func giteaCommand(l *service.Lab, args ...string) []string {
	return append([]string{l.Bin("gitea"), "--work-path", l.State("gitea"), "--config", l.Etc("gitea/app.ini")}, args...)
}
