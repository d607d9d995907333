// A peer on otr3, steered by the lines that ../libotr.c describes, and
//
//	key HEX      a private key as its own library serialises it
//
// Must never talk to anything but standard input and output.
// Standard: OTR versions 2 and 3; needs the Debian packages golang-go and golang-github-twstrike-otr3-dev.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/twstrike/otr3"
)

type peer struct {
	conversation otr3.Conversation
	key          otr3.DSAPrivateKey
	encrypted    bool
	ready        bool
}

func digits(bytes []byte) string {
	if len(bytes) == 0 {
		return "-"
	}
	return hex.EncodeToString(bytes)
}

func bytes(digits string) []byte {
	bytes, _ := hex.DecodeString(strings.TrimPrefix(digits, "-"))
	return bytes
}

func say(words ...interface{}) { fmt.Println(words...) }

func (self *peer) HandleSecurityEvent(event otr3.SecurityEvent) {
	if event == otr3.GoneInsecure {
		say("insecure")
		return
	}
	ssid := self.conversation.GetSSID()
	say("secure", digits(self.conversation.GetTheirKey().Fingerprint()), digits(ssid[:]))
}

func (self *peer) HandleSMPEvent(event otr3.SMPEvent, percent int, question string) {
	switch event {
	case otr3.SMPEventAskForAnswer, otr3.SMPEventAskForSecret:
		say("ask", digits([]byte(question)))
	case otr3.SMPEventSuccess:
		say("smp equal")
	case otr3.SMPEventFailure:
		say("smp different")
	case otr3.SMPEventAbort, otr3.SMPEventCheated, otr3.SMPEventError:
		say("smp aborted")
	}
}

func (self *peer) HandleMessageEvent(event otr3.MessageEvent, text []byte, err error, trace ...interface{}) {
	switch event {
	case otr3.MessageEventReceivedMessageUnencrypted:
		say("plain", digits(text))
	case otr3.MessageEventLogHeartbeatReceived, otr3.MessageEventLogHeartbeatSent:
	default:
		say("event", int(event))
	}
}

func (self *peer) open() {
	self.ready = true
	if self.key.PrivateKey.X == nil {
		self.key.Generate(rand.Reader)
	}
	self.conversation.SetOurKeys([]otr3.PrivateKey{&self.key})
	self.conversation.SetSecurityEventHandler(self)
	self.conversation.SetSMPEventHandler(self)
	self.conversation.SetMessageEventHandler(self)
	self.versions("3")
}

func (self *peer) versions(digits string) {
	policies := &self.conversation.Policies
	*policies = 0
	policies.RequireEncryption()
	policies.WhitespaceStartAKE()
	if strings.Contains(digits, "2") {
		policies.AllowV2()
	}
	if strings.Contains(digits, "3") {
		policies.AllowV3()
	}
}

func (self *peer) out(messages []otr3.ValidMessage, err error) {
	for _, message := range messages {
		say("out", digits(message))
	}
	if err != nil {
		say("refused", err)
	}
}

func (self *peer) receive(body []byte) {
	before := self.conversation.IsEncrypted()
	text, messages, err := self.conversation.Receive(body)
	if before && len(text) > 0 {
		say("text", digits(text))
	}
	self.out(messages, err)
}

func (self *peer) command(word string, rest []string) {
	conversation := &self.conversation
	switch word {
	case "start":
		say("out", digits(conversation.QueryMessage()))
	case "end":
		self.out(conversation.End())
	case "max":
		size, _ := strconv.Atoi(rest[0])
		conversation.SetFragmentSize(uint16(size))
	case "versions":
		self.versions(rest[0])
	case "fingerprint":
		say("fingerprint", digits(self.key.PublicKey().Fingerprint()))
	case "send":
		self.out(conversation.Send(bytes(rest[0])))
	case "receive":
		self.receive(bytes(rest[0]))
	case "symkey":
		use, _ := strconv.Atoi(rest[0])
		key, messages, err := conversation.UseExtraSymmetricKey(uint32(use), bytes(rest[1]))
		self.out(messages, err)
		say("symkey", use, rest[1], digits(key))
	case "smp":
		self.out(conversation.StartAuthenticate("", bytes(rest[0])))
	case "smpq":
		self.out(conversation.StartAuthenticate(string(bytes(rest[0])), bytes(rest[1])))
	case "answer":
		self.out(conversation.ProvideAuthenticationSecret(bytes(rest[0])))
	default:
		say("refused")
	}
}

func main() {
	self := &peer{}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if words[0] == "key" {
			self.key.Parse(bytes(words[1]))
		} else {
			if !self.ready {
				self.open()
			}
			self.command(words[0], words[1:])
		}
		say("done")
	}
}
