package keystone

import "os"

// Clouds are the names in the clouds.yaml and secure.yaml that [Load] would read.
func Clouds(o LoadOptions) ([]string, error) {
	l := &loader{LoadOptions: o}
	if l.Dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		l.Dir = dir
	}
	if err := l.readFiles(); err != nil {
		return nil, err
	}
	return l.names(), nil
}
