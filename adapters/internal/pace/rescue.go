package pace

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Rescue is deferred by what reads the bytes of others: if that panics, it ends
// with an error instead of ending the process, and whoever called it tries
// again. The log gets to know where it was.
func Rescue(log *slog.Logger, err *error) {
	cause := recover()
	if cause == nil {
		return
	}
	*err = fmt.Errorf("a mistake of pbxguard's own: %v", cause)
	log.Error("pbxguard made a mistake; this connection begins afresh", "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
}
