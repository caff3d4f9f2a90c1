package numbering

import (
	"errors"
	"fmt"
	"regexp/syntax"
)

// maxExpanded bounds the strings that one expression may stand for.
const maxExpanded = 256

var (
	errTooMany  = errors.New("stands for too many strings")
	errEndless  = errors.New("is not a finite list of strings")
	errNoDigits = errors.New("stands for something else than digits")
)

// expand lists the strings that a regular expression matches as a whole.
// libphonenumber keeps IDD prefixes and emergency numbers as expressions; a
// dial plan needs the strings themselves, to compare exactly.
func expand(expr string) ([]string, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("cannot parse %q: %w", expr, err)
	}
	list, err := expandNode(re.Simplify())
	if err != nil {
		return nil, fmt.Errorf("cannot expand %q: it %w", expr, err)
	}
	for _, s := range list {
		if !isDigits(s) {
			return nil, fmt.Errorf("cannot expand %q: it %w", expr, errNoDigits)
		}
	}
	return list, nil
}

func expandNode(re *syntax.Regexp) ([]string, error) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []string{""}, nil
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, nil
	case syntax.OpCharClass:
		return expandClass(re.Rune)
	case syntax.OpCapture:
		return expandNode(re.Sub[0])
	case syntax.OpQuest:
		list, err := expandNode(re.Sub[0])
		return append(list, ""), err
	case syntax.OpAlternate:
		return expandEach(re.Sub)
	case syntax.OpConcat:
		return expandInTurn(re.Sub)
	}
	return nil, errEndless
}

// expandClass lists the runes of a character class, given as pairs.
func expandClass(pairs []rune) ([]string, error) {
	var list []string
	for i := 0; i+1 < len(pairs); i += 2 {
		for r := pairs[i]; r <= pairs[i+1]; r++ {
			if len(list) == maxExpanded {
				return nil, errTooMany
			}
			list = append(list, string(r))
		}
	}
	return list, nil
}

// expandEach lists the strings of any of the nodes.
func expandEach(nodes []*syntax.Regexp) ([]string, error) {
	var list []string
	for _, node := range nodes {
		more, err := expandNode(node)
		if err != nil {
			return nil, err
		}
		if list = append(list, more...); len(list) > maxExpanded {
			return nil, errTooMany
		}
	}
	return list, nil
}

// expandInTurn lists the strings of the nodes one after the other.
func expandInTurn(nodes []*syntax.Regexp) ([]string, error) {
	list := []string{""}
	for _, node := range nodes {
		tails, err := expandNode(node)
		if err != nil {
			return nil, err
		}
		if len(list)*len(tails) > maxExpanded {
			return nil, errTooMany
		}
		var longer []string
		for _, head := range list {
			for _, tail := range tails {
				longer = append(longer, head+tail)
			}
		}
		list = longer
	}
	return list, nil
}
