# A person at irssi: does what a named pipe says, and tells what is printed and what was understood.
# Each order is a line: the name of a conversation or "-", a space, a command without its slash.
use strict;
use warnings;
use Encode;
use IO::Handle;
use Irssi;

our $VERSION = '1';
our %IRSSI = (name => 'person', description => 'Does what a story says');

my $folder = Irssi::get_irssi_dir();
open(my $told, '>>:utf8', "$folder/told") or die;
$told->autoflush(1);
open(my $orders, '+<', "$folder/orders") or die;

my $unread = '';

sub obey {
    # Orders that come together are read together.
    sysread($orders, $unread, 4096, length($unread));
    while ($unread =~ s/^([^\n]*)\n//) {
        carry_out($1);
    }
}

sub carry_out {
    my ($line) = @_;
    my ($name, $command) = split(/ /, $line, 2);
    my $place = ($name eq '-' ? undef : Irssi::window_item_find($name)) // Irssi::active_server();
    $place ? $place->command($command) : Irssi::command($command);
}

sub note {
    my ($kind, $who, $text) = @_;
    $text = decode('UTF-8', $text);
    $text =~ s/\n/ /g;
    print $told "$kind $who $text\n";
}

Irssi::input_add(fileno($orders), Irssi::INPUT_READ, \&obey, undef);
Irssi::signal_add('message private', sub { my ($server, $text, $nick) = @_; note('private', $nick, $text); });
Irssi::signal_add('message irc action', sub { my ($server, $text, $nick) = @_; note('action', $nick, $text); });
Irssi::signal_add('print text', sub { my ($where, $text, $plain) = @_; note('print', '-', $plain); });
