package app

import "reflect"

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
		if port, ok := v.Addr().Interface().(*Port); ok && port.TargetPort == 0 {
			port.TargetPort = port.Port
		}
	}
}
