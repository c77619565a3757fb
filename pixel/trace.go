package pixel

import (
	"encoding/json"

	"sosie/pixel/rules"
)

// Trace says what became of a hit, for an administrator: a hit with the header
// "Authorization: Bearer" and an administrator's token is answered with it as JSON
// instead of an image. The hit counts like any other.
type Trace struct {
	// Outcome is the counter that the hit went into.
	Outcome string `json:"outcome"`
	// Site is the hit's site, empty for an unknown one.
	Site string `json:"site,omitempty"`
	// Labels are what the hit writes, or would if it were stored.
	Labels []string `json:"labels"`
	// LeftOut are the labels that the hit named in vain, each with the counter that
	// says why.
	LeftOut map[string]string `json:"left_out,omitempty"`
	// Rules are the site's rules, those of several lines of a beacon one after the
	// other.
	Rules []TracedRule `json:"rules,omitempty"`
}

// TracedRule says what became of a rule.
type TracedRule struct {
	// Rule is its place in the list, from 1, and its name.
	Rule string `json:"rule"`
	// Fired says that all its conditions were met; Why is the first that was not.
	Fired bool   `json:"fired"`
	Why   string `json:"why,omitempty"`
	// Labels are what it gives.
	Labels []string `json:"labels"`
}

// explain notes what became of each rule.
func (t *Trace) explain(pages *rules.Set, page *rules.Page) {
	for _, v := range pages.Explain(page) {
		called := rules.Rule{Name: v.Name}
		t.Rules = append(t.Rules, TracedRule{Rule: called.Called(v.Rule), Fired: v.Fired, Why: v.Failed, Labels: v.Labels})
	}
}

// named notes what became of a label that a hit names.
func (t *Trace) named(name []byte, why cause) {
	if t == nil || why == none {
		return
	}
	if t.LeftOut == nil {
		t.LeftOut = map[string]string{}
	}
	t.LeftOut[string(name)] = why.String()
}

// String names what the outcome of a hit, or a label left out, is counted as.
func (c cause) String() string { return causeNames[c] }

// causeNames are the names of outcomes and of what is left out, as in Counters.
var causeNames = [causes]string{
	stored: "stored", pendingSet: "pending", refusedByCookie: "refused_by_cookie", refusedByGPC: "refused_by_gpc",
	refusedByDefault: "refused_by_default", refusedBySignal: "refused_by_signal", refusedByOrigin: "refused_by_origin",
	refusedBefore: "refused_before", headed: "head", prefetched: "prefetch", robotSeen: "robot", agentUnchecked: "agent_unchecked",
	claimLimited: "claim_limited", withBody: "body", queryTooLong: "too_long", siteUnknown: "unknown_site",
	storeFull: "store_full", storeStopped: "store_stopped", storeFailed: "store_failed",
	labelMalformed: "label_malformed", labelUnknown: "label_unknown", labelForbidden: "label_forbidden", labelSigned: "label_signed",
	signatureForged: "signature_forged", signatureExpired: "signature_expired", signatureReplayed: "signature_replayed",
	labelQuarantined: "label_quarantined", labelLimited: "label_limited",
}

// inspected reports whether an administrator asks what becomes of the hit.
func (p *Pixel) inspected(h *Hit) bool {
	return len(h.Token) > 0 && p.inspect != nil && p.inspect(h.Token, h.Client)
}

// answerTrace makes the reply the trace.
func (p *Pixel) answerTrace(r *Reply, outcome cause) {
	t := r.trace
	t.Outcome, t.Labels = outcome.String(), []string{}
	labels := p.store.Labels()
	for i, l := range r.labels {
		name := labels.Spec(l).Name
		if i == 0 {
			t.Site = name[len("site/"):]
		}
		t.Labels = append(t.Labels, name)
	}
	r.Status, r.Type = max(r.Status, 200), "application/json"
	if r.Status == 204 {
		r.Status = 200
	}
	r.Body, _ = json.Marshal(t) // strings always marshal
	r.trace = nil
}
