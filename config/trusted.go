package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// readTrusted reads a regular file of up to limit bytes that nobody but root
// and ourselves can write. It looks at the file it has open, not at its name.
func readTrusted(path string, limit int64) ([]byte, fs.FileInfo, error) {
	// A FIFO would wait for a writer for ever.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot be opened: %w", why(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("cannot be examined: %w", why(err))
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if err := trusted(info.Mode(), owner, uint32(os.Geteuid())); err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot be read: %w", why(err))
	}
	if int64(len(data)) > limit {
		return nil, nil, fmt.Errorf("is larger than %d bytes", limit)
	}
	return data, info, nil
}

// trusted says what is wrong with a file's mode or owner: whoever can write our
// configuration commands us.
func trusted(mode fs.FileMode, owner, self uint32) error {
	switch {
	case !mode.IsRegular():
		return errors.New("is not a regular file")
	case owner != 0 && owner != self:
		return fmt.Errorf("belongs to user %d, not to root; chown it", owner)
	case mode&0o022 != 0:
		return fmt.Errorf("can be written by others (mode %04o); chmod go-w it", mode.Perm())
	}
	return nil
}

func everyoneReads(info fs.FileInfo) bool { return info.Mode()&0o004 != 0 }

// maxSecret is longer than any PBX takes.
const maxSecret = 1024

// readSecret reads a file that holds a secret, which not everybody may read.
func readSecret(path string) ([]byte, error) {
	data, info, err := readTrusted(path, maxSecret)
	if err != nil {
		return nil, err
	}
	if everyoneReads(info) {
		return nil, fmt.Errorf("can be read by everybody (mode %04o); chmod o-r it", info.Mode().Perm())
	}
	return data, nil
}

// readPublic reads a file that may be known but not changed by others.
func readPublic(path string) ([]byte, error) {
	data, _, err := readTrusted(path, maxSize)
	return data, err
}

// secretOf is the secret in the contents of a file: its one line.
func secretOf(data []byte) (Secret, error) {
	line := strings.TrimRight(string(data), "\r\n")
	if line == "" {
		return "", errors.New("is empty")
	}
	if _, err := readText(line); err != nil {
		return "", errors.New("must hold the secret on one line and nothing else")
	}
	return Secret(line), nil
}
