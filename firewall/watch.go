package firewall

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// author is the program behind a transaction; zero if nobody in particular.
type author struct {
	name string
	pid  uint32
}

func (a author) suffix() string {
	if a.name == "" {
		return ""
	}
	return fmt.Sprintf(", by %q (pid %d)", a.name, a.pid)
}

// watch sends on changes, which has room for one, whenever another program
// committed an nftables transaction, until ctx ends. One waiting is enough.
//
// Every transaction ends in one message that names the program. The socket's
// filter passes only those, and not our own: a load of a million bans would
// flood it otherwise, and nothing about the elements needs decoding.
func watch(ctx context.Context, port uint32, changes chan<- author, log *slog.Logger) {
	for pause := time.Second; ctx.Err() == nil; pause = min(2*pause, time.Minute) {
		if err := watchOnce(ctx, port, changes); err != nil && ctx.Err() == nil {
			log.Warn("cannot watch the firewall for changes", "error", err, "again in", pause)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func tell(changes chan<- author, by author) {
	select {
	case changes <- by:
	default:
	}
}

func watchOnce(ctx context.Context, port uint32, changes chan<- author) error {
	filter, err := foreignCommits(port)
	if err != nil {
		return fmt.Errorf("cannot assemble the socket filter: %w", err)
	}
	conn, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error {
		return c.SetBPF(filter)
	}))
	if err != nil {
		return fmt.Errorf("cannot open a netlink connection: %w", err)
	}
	monitor := nftables.NewMonitor()
	events, err := conn.AddGenerationalMonitor(monitor)
	if err != nil {
		return fmt.Errorf("cannot join the nftables group: %w", err)
	}
	defer context.AfterFunc(ctx, func() { monitor.Close() })()
	tell(changes, author{}) // whatever happened while nobody watched
	for e := range events {
		if e.GeneratedBy.Error != nil {
			err = e.GeneratedBy.Error
		}
		by := author{}
		if gen, ok := e.GeneratedBy.Data.(*nftables.Gen); ok && gen != nil {
			by = author{gen.ProcComm, gen.ProcPID}
		}
		tell(changes, by)
	}
	return err
}

// foreignCommits is a socket filter that passes NFT_MSG_NEWGEN messages of
// other ports only. The header fields it compares stand in the machine's byte
// order, and the filter reads big-endian.
func foreignCommits(port uint32) ([]bpf.RawInstruction, error) {
	const offType, offPort = 4, 12 // of struct nlmsghdr
	var newgen [2]byte
	binary.NativeEndian.PutUint16(newgen[:], unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWGEN)
	var own [4]byte
	binary.NativeEndian.PutUint32(own[:], port)
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: offType, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(binary.BigEndian.Uint16(newgen[:])), SkipTrue: 3},
		bpf.LoadAbsolute{Off: offPort, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(own[:]), SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	})
}
