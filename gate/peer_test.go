package gate

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Only the PBX's own user and root may ask: nobody else learns anything.
func TestStrangers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to connect as another user")
	}
	const pbx, stranger = 64123, 64124
	g, j := open(t, noPremium, func(o *Options) { o.Users = []uint32{pbx} })
	for uid, want := range map[int]string{0: "SET VARIABLE PBXGUARD allow\n", pbx: "SET VARIABLE PBXGUARD allow\n", stranger: ""} {
		c := dialAs(t, g.at("fastagi"), uid)
		c.Write([]byte(env(request("0205550123"), "100")))
		buf := make([]byte, 100)
		n, _ := c.Read(buf)
		if got := string(buf[:n]); got != want {
			t.Errorf("user %d: got %q, want %q", uid, got, want)
		}
	}
	if len(j.asked) != 2 {
		t.Errorf("judged %d calls, want 2", len(j.asked))
	}
	if st := g.Status().Listeners[0]; st.Strangers != 1 {
		t.Errorf("got %d strangers, want 1", st.Strangers)
	}
}

// dialAs connects with a socket that belongs to a user.
func dialAs(t *testing.T, address string, uid int) net.Conn {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	syscall.RawSyscall(syscall.SYS_SETFSUID, uintptr(uid), 0, 0)
	defer syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}
