package rules

import (
	"bytes"
	"fmt"
)

// Device is a class of devices. It fits into two bits.
type Device uint8

// The classes. A device of none of them, such as a television, is Unknown.
const (
	Unknown Device = iota
	Mobile
	Tablet
	Desktop
)

// maxAgent is the bytes of an agent that are looked at.
const maxAgent = 512

// deviceMarks are what agents say of their device. The first that an agent
// contains decides. Android's browsers say Mobile on phones and nothing on
// tablets, and browsers of tablets often claim to be more than that; those of
// iPads that claim to be a Macintosh are taken at their word.
var deviceMarks = []struct {
	mark   []byte
	device Device
	mobile Device // where the agent says Mobile
}{
	{[]byte("TV"), Unknown, Unknown},
	{[]byte("BRAVIA"), Unknown, Unknown},
	{[]byte("CrKey"), Unknown, Unknown},
	{[]byte("Xbox"), Unknown, Unknown},
	{[]byte("PlayStation"), Unknown, Unknown},
	{[]byte("Nintendo"), Unknown, Unknown},
	{[]byte("Windows NT"), Desktop, Desktop},
	{[]byte("iPad"), Tablet, Tablet},
	{[]byte("iPhone"), Mobile, Mobile},
	{[]byte("Tablet"), Tablet, Tablet},
	{[]byte("Android"), Tablet, Mobile},
	{[]byte("Silk/"), Tablet, Mobile},
	{[]byte("Kindle"), Tablet, Mobile},
	{[]byte("Opera Mini"), Mobile, Mobile},
	{[]byte("Macintosh"), Desktop, Desktop},
	{[]byte("CrOS"), Desktop, Desktop},
	{[]byte("X11"), Desktop, Mobile},
	{[]byte("Mobi"), Mobile, Mobile},
}

var mobileMark = []byte("Mobi")

// DeviceOf tells the class from a User-Agent. It allocates nothing.
func DeviceOf(agent []byte) Device {
	agent = agent[:min(len(agent), maxAgent)]
	for i := range deviceMarks {
		m := &deviceMarks[i]
		if !bytes.Contains(agent, m.mark) {
			continue
		}
		if m.device != m.mobile && bytes.Contains(agent, mobileMark) {
			return m.mobile
		}
		return m.device
	}
	return Unknown
}

var deviceNames = [...]string{"unknown", "mobile", "tablet", "desktop"}

// String is the word that rules use.
func (d Device) String() string { return deviceNames[d&Desktop] }

func parseDevice(word string) (Device, error) {
	for d := Mobile; d <= Desktop; d++ {
		if deviceNames[d] == word {
			return d, nil
		}
	}
	return Unknown, fmt.Errorf("device %q: want mobile, tablet or desktop", word)
}
