package app

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// FileName is the name of the file that describes an application.
const FileName = "ystack.yaml"

// maxFileSize is far above what people write; beyond it lies the wrong file.
const maxFileSize = 1 << 20

// The kinds of documents.
const (
	KindApplication = "Application"
	KindSite        = "Site"
	KindTenantSync  = "TenantSync"
)

func kinds() []string { return []string{KindApplication, KindSite, KindTenantSync} }

// LoadApplication reads the Application in a file, or in the [FileName] of a
// directory. Problems of the content are [Errors].
func LoadApplication(path string) (*Application, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, FileName)
	}
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parseApplication(path, data)
}

// LoadSite reads the Site in a file. Problems of the content are [Errors].
func LoadSite(path string) (*Site, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parseSite(path, data)
}

// LoadTenantSync reads the TenantSync in a file. Problems of the content are [Errors].
func LoadTenantSync(path string) (*TenantSync, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parseTenantSync(path, data)
}

func parseApplication(path string, data []byte) (*Application, error) {
	application := &Application{Path: path}
	if err := parse(path, data, KindApplication, application); err != nil {
		return nil, err
	}
	return application, nil
}

func parseSite(path string, data []byte) (*Site, error) {
	site := &Site{Path: path}
	if err := parse(path, data, KindSite, site); err != nil {
		return nil, err
	}
	return site, nil
}

func parseTenantSync(path string, data []byte) (*TenantSync, error) {
	config := &TenantSync{Path: path}
	if err := parse(path, data, KindTenantSync, config); err != nil {
		return nil, err
	}
	return config, nil
}

// parse fills target from the document of the wanted kind.
func parse(path string, data []byte, kind string, target any) error {
	r := &reader{file: path}
	documents := r.documents(data)
	if len(r.errs) > 0 {
		return r.errs
	}
	if root := r.choose(documents, kind); root != nil {
		b := &binder{reader: r, root: reflect.TypeOf(target).Elem()}
		b.object(reflect.ValueOf(target).Elem(), root, "")
	}
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b *FieldError) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return r.errs
	}
	setDefaults(reflect.ValueOf(target).Elem())
	return nil
}

// readFile reads at most a byte more than a file may have, which decode refuses.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingFile(path, err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &FieldError{File: path, Problem: "is a directory; a file is expected"}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

// missingFile knows the usual slip in the name.
func missingFile(path string, err error) error {
	other := path[:len(path)-len(filepath.Ext(path))] + ".yml"
	if _, statErr := os.Stat(other); statErr == nil && other != path {
		return fmt.Errorf("%w; rename %s, which is there", err, other)
	}
	return err
}
