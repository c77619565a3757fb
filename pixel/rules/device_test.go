package rules

import (
	"strings"
	"testing"
)

const (
	agentDesktop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
	agentPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
	agentTablet  = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

func TestDeviceOf(t *testing.T) {
	for agent, want := range map[string]Device{
		agentDesktop: Desktop,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":         Desktop,
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0":                                                        Desktop,
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                Desktop,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0": Desktop,
		agentPhone: Mobile,
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36":                                    Mobile,
		"Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0":                                                                               Mobile,
		"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36": Mobile,
		agentTablet: Tablet,
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36":            Tablet,
		"Mozilla/5.0 (Android 15; Tablet; rv:143.0) Gecko/143.0 Firefox/143.0":                                                Tablet,
		"Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36":     Tablet,
		"Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/4.0 TV Safari/537.36": Unknown,
		"": Unknown, "-": Unknown, "\xff\xfe": Unknown,
		strings.Repeat("x", maxAgent) + " (iPhone)": Unknown, // beyond what is looked at
	} {
		if got := DeviceOf([]byte(agent)); got != want {
			t.Errorf("%.90q: %s, want %s", agent, got, want)
		}
	}
}

func FuzzDeviceOf(f *testing.F) {
	for _, agent := range []string{agentDesktop, agentPhone, agentTablet, "", "((;;/ /", "Mozilla/5.0 (" + strings.Repeat("(", 600)} {
		f.Add([]byte(agent))
	}
	f.Fuzz(func(t *testing.T, agent []byte) {
		if d := DeviceOf(agent); d > Desktop {
			t.Errorf("device %d", d)
		}
	})
}

func BenchmarkDeviceOf(b *testing.B) {
	agent := []byte(agentPhone)
	b.ReportAllocs()
	for b.Loop() {
		DeviceOf(agent)
	}
}
