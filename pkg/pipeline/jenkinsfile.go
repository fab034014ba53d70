package pipeline

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
)

var agentLabel = regexp.MustCompile(`^[A-Za-z0-9][-_.A-Za-z0-9]*$`)

// Jenkinsfile is a declarative pipeline of Jenkins for an application in dir, relative to the top
// of its repository. Each target is a stage, on agents with the label LABEL-TARGET.
func Jenkinsfile(a *app.Application, dir, label string) (string, error) {
	if !agentLabel.MatchString(label) {
		return "", fmt.Errorf("%q is no label of Jenkins agents: letters, digits, hyphens, dots and underscores", label)
	}
	var stages strings.Builder
	targets, err := Targets(a, nil)
	if err != nil {
		return "", err
	}
	for _, target := range targets {
		command := "kubectl ystack pipeline run " + shell(dir)
		if len(targets) > 1 {
			command += " --target " + target
		}
		fmt.Fprintf(&stages, jenkinsStage, groovy(target), groovy(label+"-"+target), groovy(command))
	}
	return fmt.Sprintf(jenkinsFile, a.Metadata.Name, stages.String()), nil
}

// groovy quotes a string that Groovy does not look for variables in.
func groovy(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
}

var plainWord = regexp.MustCompile(`^[-_./A-Za-z0-9]+$`)

// shell quotes a word that no shell looks into.
func shell(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

const (
	jenkinsFile = `// Runs %s from its source to its platforms. Printed by: kubectl ystack pipeline jenkinsfile
pipeline {
    agent none
    parameters {
        string(name: 'DELIVERY', defaultValue: '', description: 'Delivery that started this, for the record')
        string(name: 'COMMIT', defaultValue: '', description: 'Full commit to run; what Jenkins checks out if empty')
    }
    options {
        disableConcurrentBuilds()
        skipDefaultCheckout()
    }
    stages {
%s    }
}
`
	jenkinsStage = `        stage(%s) {
            agent { label %s }
            steps {
                checkout scm
                sh 'test -z "$COMMIT" || git checkout --detach "$COMMIT"'
                sh 'echo "delivery ${DELIVERY:-none}, commit $(git rev-parse HEAD)"'
                sh %s
            }
        }
`
)
