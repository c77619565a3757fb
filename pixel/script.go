package pixel

import (
	"bytes"

	"sosie/pixel/tag"
)

// script answers with the tag, in the smallest form that the browser takes. It is
// the one answer that may be kept on the way, for an hour, and is asked for again by its
// validator.
func (r *Reply) script(h *Hit) {
	v := tag.Choose(h.Encodings)
	r.Script = v
	if etagMatches(h.IfNoneMatch, v.ETag) {
		r.Status = 304
		return
	}
	r.Status, r.Type, r.Body = 200, tag.ContentType, v.Body
}

// etagMatches reports whether an If-None-Match header names a validator.
func etagMatches(header []byte, etag string) bool {
	return len(header) > 0 && len(header) <= 1<<10 && bytes.Contains(header, []byte(etag))
}

// keepScript is the Cache-Control of the tag: pages take a new one within a day.
const keepScript = "public, max-age=3600, stale-while-revalidate=86400"
