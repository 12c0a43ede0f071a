# A RabbitMQ of a test's own, on loopback, in its folder.  Where there is none
# the test is skipped.
use strict;
use warnings;
require './tests/live.pl';

our ($dir, $broker, $port, $tls);
my $server = '/usr/lib/rabbitmq/bin/rabbitmq-server';
my ($epmd) = grep { -x } map { "$_/epmd" } split /:/, $ENV{PATH};
if (!-x $server || !$epmd) {
	print "1..0 # SKIP no rabbitmq-server here\n";
	exit 0;
}

($port, $tls, my ($dist, $names)) = map { free_port() } 1 .. 4;
mkdir $_ for qw(mnesia log);
write_file('plugins', "[rabbitmq_consistent_hash_exchange].\n");
my $with_tls = system('openssl req -x509 -newkey rsa:2048 -nodes -days 2 ' .
    '-subj /CN=localhost -addext subjectAltName=DNS:localhost ' .
    '-keyout key.pem -out cert.pem 2> openssl.err') == 0;
undef $tls unless $with_tls;
write_file('rabbit.conf', "disk_free_limit.absolute = 1MB\n",
    !$with_tls ? () : "listeners.ssl.1 = 127.0.0.1:$tls\n" .
    "ssl_options.certfile = $dir/cert.pem\n" .
    "ssl_options.keyfile = $dir/key.pem\n");
my %env = (ERL_EPMD_PORT => $names, ERL_EPMD_ADDRESS => '127.0.0.1',
    RABBITMQ_MNESIA_BASE => "$dir/mnesia", RABBITMQ_LOG_BASE => "$dir/log",
    RABBITMQ_NODENAME => "gc$port\@localhost",
    RABBITMQ_NODE_IP_ADDRESS => '127.0.0.1', RABBITMQ_NODE_PORT => $port,
    RABBITMQ_DIST_PORT => $dist, RABBITMQ_CONF_ENV_FILE => "$dir/none",
    RABBITMQ_ENABLED_PLUGINS_FILE => "$dir/plugins",
    RABBITMQ_CONFIG_FILE => "$dir/rabbit",
    RABBITMQ_PID_FILE => "$dir/pid",
    RABBITMQ_GENERATED_CONFIG_DIR => "$dir/generated",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS => '+S 2:2 +sbwt none');
@ENV{keys %env} = values %env;

sub start_broker {
	$broker = start('/dev/null', 'broker.out', 'broker.out', $server);
	ends_by(TERM => $broker);	# a shell: killed, it leaves it behind
	return wait_for(180, sub { IO::Socket::INET->new(
	    PeerAddr => "127.0.0.1:$port") });
}
sub stop_broker { stop(TERM => $broker) }
sub ctl {
	return system('/usr/lib/rabbitmq/bin/rabbitmqctl -n ' .
	    "$env{RABBITMQ_NODENAME} @_ > ctl.out 2>&1") == 0;
}

# The port mapper first, or the broker starts one that outlives it.
start('/dev/null', 'epmd.out', 'epmd.out', $epmd, '-port', $names);
if (!start_broker()) {
	print "Bail out! RabbitMQ does not start\n", slurp('broker.out');
	exit 1;
}

1;
