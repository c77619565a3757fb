package partner

import (
	"testing"

	"github.com/valyala/fasthttp"

	"sosie/dmp/access"
)

func benchmarkLookup(b *testing.B, s *site, ref string) {
	// A rate that the benchmark never reaches.
	token := s.token(access.Grant{Role: access.Partner, Partner: "dsp", Rate: access.MaxRate})
	s.door.limits.UsersPerSecond = 1 << 30
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, silent{})
	ctx.Request.SetRequestURI(SegmentsPath + "?user=" + ref)
	ctx.Request.Header.Set(fasthttp.HeaderAuthorization, "Bearer "+token)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		s.door.serve(&ctx)
		if ctx.Response.StatusCode() != 200 {
			b.Fatal(string(ctx.Response.Body()))
		}
	}
}
