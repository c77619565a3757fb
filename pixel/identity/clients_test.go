package identity

import "testing"

func TestClients(t *testing.T) {
	keys, err := CreateKeys(t.TempDir(), "store")
	if err != nil {
		t.Fatal(err)
	}
	name := func(log, address string) string {
		of, err := keys.Clients(log)
		if err != nil {
			t.Fatal(err)
		}
		of([]byte("somebody else"))
		return string(of([]byte(address)))
	}
	first := name("one", "10.0.0.1")
	if len(first) != 22 || first != name("one", "10.0.0.1") {
		t.Errorf("a client is named %q, then %q", first, name("one", "10.0.0.1"))
	}
	if first == name("two", "10.0.0.1") || first == name("one", "10.0.0.2") {
		t.Error("two clients, or one in two logs, have the same name")
	}
}
