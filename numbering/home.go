package numbering

// Country is the plan's home country, ISO 3166 alpha-2.
func (p *Plan) Country() string { return p.country }
