package guard

// set is a rule's place in [Settings].
type set uint8

const (
	setGuessing set = iota
	setCarrierSelect
	setHomeDetour
	setOffshore
	setUnallocated
	setListed
	setWithdrawn
	setService
	setFirstCountry
	setSpike
	setAbroadAtOnce
	setAttemptsPBX
	setBlock
	setShort
	setFailing
	setSameNumber
	setSameRange
	setHabits
	setHabitsPBX
	setDurationAbroad
	setDurationPremium
	setDurationMobile
	setAbroadHour
	setAbroadDay
	setSpendHour
	setSpendDay
	setSpendMonth
	setSpendPBXDay
	setSpendPBXMonth
	setUnregistered
	setNewSource
	setTravel
	setNoPassword
	setManagerCall
	setNightForward
	setDiverted
	setForwardPumped
	setFeatureNumber
	setOutsideTransfer
	setDialThrough
	setVoicemailCallback
	setPINs
	setLoop
	setWangiri
	setCallBack
	setCallBackDear
	setOwnNumberIn
	setImpossibleCaller
	setHomeCallerAbroad
	setSilentCaller
	setUnverified
	setCallerIDOut
	setWithdrawnIn
	setSweep
	setPumping
	setBankCall
	setBlind
	setChanged
	setRepeat
	setEmergency
	settings
)
