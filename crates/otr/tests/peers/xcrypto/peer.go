// A peer on golang.org/x/crypto/otr, steered by the lines that ../libotr.c describes, and
//
//	key HEX      a private key as its own library serialises it
//
// Must never talk to anything but standard input and output.
// Standard: OTR version 2 only; needs the Debian packages golang-go and golang-golang-x-crypto-dev.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/crypto/otr"
)

type peer struct {
	conversation otr.Conversation
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

func (self *peer) out(messages [][]byte, err error) {
	for _, message := range messages {
		say("out", digits(message))
	}
	if err != nil {
		say("refused", err)
	}
}

func (self *peer) receive(body []byte) {
	conversation := &self.conversation
	text, encrypted, change, messages, err := conversation.Receive(body)
	if len(text) > 0 {
		if encrypted {
			say("text", digits(text))
		} else {
			say("plain", digits(text))
		}
	}
	switch change {
	case otr.NewKeys:
		say("secure", digits(conversation.TheirPublicKey.Fingerprint()), digits(conversation.SSID[:]))
	case otr.SMPSecretNeeded:
		say("ask", digits([]byte(conversation.SMPQuestion())))
	case otr.SMPComplete:
		say("smp equal")
	case otr.SMPFailed:
		say("smp different")
	case otr.ConversationEnded:
		say("insecure")
	}
	self.out(messages, err)
}

func (self *peer) command(word string, rest []string) {
	conversation := &self.conversation
	switch word {
	case "start":
		say("out", digits([]byte(otr.QueryMessage)))
	case "end":
		self.out(conversation.End(), nil)
	case "max":
		conversation.FragmentSize, _ = strconv.Atoi(rest[0])
	case "versions":
	case "fingerprint":
		say("fingerprint", digits(conversation.PrivateKey.PublicKey.Fingerprint()))
	case "send":
		self.out(conversation.Send(bytes(rest[0])))
	case "receive":
		self.receive(bytes(rest[0]))
	case "smp", "answer":
		self.out(conversation.Authenticate("", bytes(rest[0])))
	case "smpq":
		self.out(conversation.Authenticate(string(bytes(rest[0])), bytes(rest[1])))
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
		if self.conversation.PrivateKey == nil {
			self.conversation.PrivateKey = new(otr.PrivateKey)
			if words[0] != "key" {
				self.conversation.PrivateKey.Generate(rand.Reader)
			}
		}
		if words[0] == "key" {
			self.conversation.PrivateKey.Parse(bytes(words[1]))
		} else {
			self.command(words[0], words[1:])
		}
		say("done")
	}
}
