package machine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mark is the variable by which the processes of a build are known: its directory.
const mark = "YSTACK_BUILD"

// endLeft ends processes of a build, and takes away the mounts and loop devices in its
// directory. It says what there was.
func endLeft(work string) ([]string, error) {
	found := endProcesses(work)
	mounts, err := unmountBelow(work)
	loops, loopErr := detachBelow(work)
	return slices.Concat(found, mounts, loops), errors.Join(err, loopErr)
}

func endProcesses(work string) (found []string) {
	want := []byte(mark + "=" + work)
	for range 50 { // one may start another meanwhile
		again := false
		environs, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, file := range environs {
			pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
			data, err := os.ReadFile(file)
			if err != nil || pid == os.Getpid() || !slices.ContainsFunc(bytes.Split(data, []byte{0}), func(v []byte) bool { return bytes.Equal(v, want) }) {
				continue
			}
			if unix.Kill(pid, unix.SIGKILL) == nil {
				again = true
				found = append(found, fmt.Sprintf("process %d", pid))
			}
		}
		if !again {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func unmountBelow(work string) (found []string, err error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var points []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if point := strings.Fields(lines.Text())[1]; strings.HasPrefix(point, work+"/") {
			points = append(points, point)
		}
	}
	var errs []error
	for _, point := range slices.Backward(points) {
		found = append(found, "mount "+point)
		errs = append(errs, os.NewSyscallError("unmount "+point, unix.Unmount(point, unix.MNT_DETACH)))
	}
	return found, errors.Join(errs...)
}

// detachBelow frees loop devices of files in the directory; the files may be deleted already.
func detachBelow(work string) (found []string, err error) {
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	var errs []error
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(data), work+"/") {
			continue
		}
		name := strings.Split(file, "/")[3]
		found = append(found, "loop device /dev/"+name)
		errs = append(errs, detach(name))
	}
	return found, errors.Join(errs...)
}

func detach(name string) error {
	links, _ := filepath.Glob("/dev/mapper/" + name + "p*")
	for _, link := range links { // where the kernel has no device-mapper, some make links
		if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink != 0 {
			_ = os.Remove(link)
		}
	}
	device, err := os.Open("/dev/" + name)
	if err != nil {
		return err
	}
	defer device.Close()
	parts, _ := filepath.Glob("/sys/block/" + name + "/" + name + "p*/partition")
	for _, part := range parts {
		data, _ := os.ReadFile(part)
		if number, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			_ = removePartition(device.Fd(), number)
		}
	}
	return os.NewSyscallError("detach /dev/"+name, unix.IoctlSetInt(int(device.Fd()), unix.LOOP_CLR_FD, 0))
}
