package audit

// Answers are what a running PBX said of itself, by question. They may hold
// secrets and are never written down.
type Answers map[string]Answer

// An Answer is one of them. Which of the fields are filled in, the question says.
type Answer struct {
	Records []map[string]string
	Text    string
	Err     error // why there is none
}

// Whole tells whether a question was asked and answered.
func (a Answers) Whole(question string) bool {
	answer, asked := a[question]
	return asked && answer.Err == nil
}

// Trouble tells why a question has no answer, or "".
func (a Answers) Trouble(question string) string {
	answer, asked := a[question]
	switch {
	case !asked:
		return "it was not asked: " + question
	case answer.Err != nil:
		return answer.Err.Error()
	}
	return ""
}
