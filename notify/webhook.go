package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Webhook posts messages as JSON. With a secret each is signed: the header
// Pbxguard-Signature is "t=SECONDS,v1=HEX", where HEX is the HMAC-SHA256 of
// SECONDS, a full stop and the body. A receiver that looks at SECONDS too cannot
// be shown an old message again.
type Webhook struct {
	URL    string
	Secret string
	Client *http.Client // nil: one of its own
	Now    func() time.Time
}

// SignatureHeader is the header that holds a webhook's signature.
const SignatureHeader = "Pbxguard-Signature"

// payload is the body of a webhook.
type payload struct {
	Version  int       `json:"version"`
	Subject  string    `json:"subject"`
	Text     string    `json:"text"`
	Incident *Incident `json:"incident,omitempty"`
}

// Send implements [Receiver].
func (w *Webhook) Send(ctx context.Context, msg *Message) error {
	body, err := json.Marshal(payload{1, msg.Subject, msg.Text, msg.Incident})
	if err != nil {
		return fmt.Errorf("cannot write the message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("cannot use the webhook's URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "pbxguard")
	if w.Secret != "" {
		now := time.Now
		if w.Now != nil {
			now = w.Now
		}
		req.Header.Set(SignatureHeader, Sign(w.Secret, now(), body))
	}
	client := w.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		defer client.CloseIdleConnections()
	}
	resp, err := client.Do(req)
	if err != nil {
		return hide(fmt.Errorf("the webhook does not answer: %w", err), w.URL, w.Secret, req.URL.RequestURI())
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<16) // for the connection's sake
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answers %s", resp.Status)
	}
	return nil
}

// Sign returns the signature of a body at a time, as the header has it.
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
