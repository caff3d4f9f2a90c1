// Package bench measures pbxguard on the machine it runs on. "make bench"
// prints one table: each figure beside what it is compared with, taken in the
// same run, and beside its aim. Aims are never asserted. As part of the tests
// the same code runs with a few repetitions and holds only to what must be true
// at any speed: that the calls end, the guessers fall silent, nothing is lost.
package bench
