package audit

import "testing"

// Without a country nothing is known of home, and yet what abroad is dear.
func TestOutsideWithoutPlan(t *testing.T) {
	s := &Site{}
	tests := []struct {
		name, number, rule string
		severity           Severity
	}{
		{"an extension", "204", "", ""},
		{"satellite", "00881631234567", "FWD-001", Critical},
		{"an international network", "+88213000000", "FWD-001", Critical},
		{"premium abroad", "0031900123456", "FWD-001", Critical},
		{"an island behind +1", "+18765551234", "FWD-001", Critical},
		{"abroad", "00252612345678", "FWD-002", High},
		{"abroad from North America", "01149301234567", "FWD-002", High},
		{"the country that is taken for elsewhere", "006834002", "FWD-002", High},
		{"premium at home", "0900123456", "FWD-001", Critical},
		{"national", "0612345678", "FWD-003", Medium},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Outside(tt.number); got.Rule != tt.rule || got.Severity != tt.severity {
				t.Errorf("got %+v, want %s %s", got, tt.rule, tt.severity)
			}
		})
	}
}
