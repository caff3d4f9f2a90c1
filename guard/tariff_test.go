package guard

import (
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	minute := Rate{PerMinute: 30 * Unit / 100, Least: time.Minute, Step: time.Minute}
	second := Rate{PerMinute: 60 * Unit / 100}
	tests := []struct {
		name          string
		rate          Rate
		talked        time.Duration
		cost, running string
	}{
		{"answered and gone", minute, 0, "0.30", "0.30"},
		{"a full minute", minute, time.Minute, "0.30", "0.60"},
		{"a second into the next", minute, 61 * time.Second, "0.60", "0.90"},
		{"by the second", second, 90 * time.Second, "0.90", "0.91"},
		{"part of a second", second, 1500 * time.Millisecond, "0.02", "0.03"},
		{"least 30, then 6", Rate{PerMinute: Unit, Least: 30 * time.Second, Step: 6 * time.Second}, 31 * time.Second, "0.60", "0.70"},
		{"setup", Rate{Setup: Unit / 4}, time.Hour, "0.25", "0.25"},
		{"free", Rate{}, time.Hour, "0.00", "0.00"},
		{"a month of the dearest", Rate{PerMinute: 100 * Unit}, 31 * 24 * time.Hour, "4464000.00", "4464001.67"},
		{"time runs back", minute, -time.Hour, "0.30", "0.30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.rate.Cost(tt.talked).String(); got != tt.cost {
				t.Errorf("got cost %s want %s", got, tt.cost)
			}
			if got := tt.rate.Running(tt.talked).String(); got != tt.running {
				t.Errorf("got %s while it runs, want %s", got, tt.running)
			}
		})
	}
}

func TestMoney(t *testing.T) {
	for m, want := range map[Money]string{0: "0.00", 5000: "0.01", 4999: "0.00", -Unit / 2: "-0.50", 12_345_678: "12.35"} {
		if got := m.String(); got != want {
			t.Errorf("%d: got %s want %s", int64(m), got, want)
		}
	}
}

func TestListKinds(t *testing.T) {
	for k := range listKinds {
		if got, ok := ParseListKind(k.String()); !ok || got != k {
			t.Errorf("%s: got %v, %v", k, got, ok)
		}
	}
	if _, ok := ParseListKind("unknown"); ok {
		t.Error("there is a kind of list called unknown")
	}
}

func TestMoneyText(t *testing.T) {
	for _, m := range []Money{0, Unit, -Unit / 100, 123456 * Unit / 100} {
		text, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got Money
		if err := got.UnmarshalText(text); err != nil || got != m {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, m)
		}
	}
	for _, text := range []string{"", "1", "1.2", "1.234", "x.yz", "1.+2", "99999999999999999.00", "1,00"} {
		if err := new(Money).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken for an amount", text)
		}
	}
}
