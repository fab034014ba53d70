package app

import (
	"cmp"
	"reflect"
)

// setDefaults fills what was left out, wherever its object is there.
func setDefaults(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			setDefaults(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			setDefaults(v.Index(i))
		}
	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			if target := v.Field(f.index); f.fallback != "" && target.IsZero() {
				target.SetString(f.fallback)
			} else {
				setDefaults(target)
			}
		}
		switch x := v.Addr().Interface().(type) {
		case *Port:
			x.TargetPort = cmp.Or(x.TargetPort, x.Port)
		case *TenantSyncSpec:
			x.setDefaults()
		case *VMDeploy:
			x.Count, x.MaxUnavailable = orOne(x.Count), max(x.MaxUnavailable, 1)
		case *BaremetalDeploy:
			x.Count, x.BatchSize = orOne(x.Count), max(x.BatchSize, 1)
		}
	}
}

func orOne(n *int32) *int32 {
	if n == nil {
		n = new(int32(1))
	}
	return n
}
