# Checks messages with Mail::DKIM, by the record given instead of the DNS: perl mail_dkim.pl NAME RECORD FILE...
# Prints one result a file: pass, or what is wrong.
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Net::DNS;

my ($name, $record, @files) = @ARGV;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($asked, $type) = @_;
        return unless lc $asked eq lc $name && $type eq 'TXT';
        my @strings = $record =~ /(.{1,255})/g;
        return Net::DNS::RR->new(owner => $asked, type => 'TXT', txtdata => \@strings);
    };
}
for my $file (@files) {
    open my $message, '<:raw', $file or die "$file: $!";
    my $verifier = Mail::DKIM::Verifier->new;
    while (my $line = <$message>) {
        $verifier->PRINT($line);
    }
    $verifier->CLOSE;
    print $verifier->result_detail, "\n";
}
