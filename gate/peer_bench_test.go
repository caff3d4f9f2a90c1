package gate

import (
	"net"
	"testing"
)

// BenchmarkOwner asks whose a connection is among a thousand others.
func BenchmarkOwner(b *testing.B) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		b.Run(address, func(b *testing.B) {
			l, err := net.Listen("tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			var c net.Conn
			for range 1000 {
				dial(b, l.Addr().String())
				if c, err = l.Accept(); err != nil {
					b.Fatal(err)
				}
				defer c.Close()
			}
			for b.Loop() {
				if _, err := owner(c.(*net.TCPConn)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
