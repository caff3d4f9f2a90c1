package main

// What is asked of the shipped policy, over all seeds of a run. The limits of
// the rules were fixed with seeds 1 to 5; what is reported is of 6 to 10.
const (
	leastDetected = 1.0 // share of the attacks of which a call was ended
	mostLoss      = 1.0 // EUR, median over the attacks, until the first call was ended
	mostFalse     = 1.0 // honest calls ended of 10,000
	mostCut       = 0   // emergency calls
	mostSeconds   = 50
)
