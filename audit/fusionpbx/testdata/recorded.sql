--
-- PostgreSQL database dump
--

\restrict dvxmD30lGXefWclXYI3mplvN1pmrQWW4LGlOehz9k3833L1rjbbMUISrcEW7311

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: v_access_control_nodes; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_access_control_nodes (
    access_control_node_uuid uuid,
    access_control_uuid uuid,
    node_type text,
    node_cidr text,
    node_description text
);


ALTER TABLE public.v_access_control_nodes OWNER TO fusionpbx;

--
-- Name: v_access_controls; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_access_controls (
    access_control_uuid uuid,
    access_control_name text,
    access_control_default text,
    access_control_description text
);


ALTER TABLE public.v_access_controls OWNER TO fusionpbx;

--
-- Name: v_call_center_agents; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_call_center_agents (
    call_center_agent_uuid uuid,
    domain_uuid uuid,
    user_uuid uuid,
    agent_name text,
    agent_type text,
    agent_call_timeout numeric,
    agent_id text,
    agent_password text,
    agent_contact text,
    agent_status text,
    agent_logout text,
    agent_max_no_answer numeric,
    agent_wrap_up_time numeric,
    agent_reject_delay_time numeric,
    agent_busy_delay_time numeric,
    agent_no_answer_delay_time text,
    agent_record boolean
);


ALTER TABLE public.v_call_center_agents OWNER TO fusionpbx;

--
-- Name: v_call_flows; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_call_flows (
    domain_uuid uuid,
    call_flow_uuid uuid,
    dialplan_uuid uuid,
    call_flow_name text,
    call_flow_extension text,
    call_flow_feature_code text,
    call_flow_context text,
    call_flow_status text,
    call_flow_pin_number text,
    call_flow_label text,
    call_flow_sound text,
    call_flow_app text,
    call_flow_data text,
    call_flow_alternate_label text,
    call_flow_alternate_sound text,
    call_flow_alternate_app text,
    call_flow_alternate_data text,
    call_flow_enabled boolean,
    call_flow_description text
);


ALTER TABLE public.v_call_flows OWNER TO fusionpbx;

--
-- Name: v_default_settings; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_default_settings (
    default_setting_uuid uuid,
    app_uuid uuid,
    default_setting_category text,
    default_setting_subcategory text,
    default_setting_name text,
    default_setting_value text,
    default_setting_order numeric,
    default_setting_enabled boolean,
    default_setting_description text
);


ALTER TABLE public.v_default_settings OWNER TO fusionpbx;

--
-- Name: v_destinations; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_destinations (
    domain_uuid uuid,
    destination_uuid uuid,
    dialplan_uuid uuid,
    fax_uuid uuid,
    user_uuid uuid,
    group_uuid uuid,
    provider_uuid uuid,
    destination_type text,
    destination_number text,
    destination_trunk_prefix text,
    destination_area_code text,
    destination_prefix text,
    destination_condition_field text,
    destination_number_regex text,
    destination_caller_id_name text,
    destination_caller_id_number text,
    destination_cid_name_prefix text,
    destination_context text,
    destination_record boolean,
    destination_hold_music text,
    destination_distinctive_ring text,
    destination_ringback text,
    destination_accountcode text,
    destination_type_voice numeric,
    destination_type_fax numeric,
    destination_type_emergency numeric,
    destination_type_text numeric,
    destination_conditions json,
    destination_actions json,
    destination_app text,
    destination_data text,
    destination_alternate_app text,
    destination_alternate_data text,
    destination_order numeric,
    destination_enabled boolean,
    destination_description text,
    destination_email boolean
);


ALTER TABLE public.v_destinations OWNER TO fusionpbx;

--
-- Name: v_device_lines; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_device_lines (
    domain_uuid uuid,
    device_line_uuid uuid,
    device_uuid uuid,
    line_number text,
    server_address text,
    server_address_primary text,
    server_address_secondary text,
    outbound_proxy_primary text,
    outbound_proxy_secondary text,
    label text,
    display_name text,
    user_id text,
    auth_id text,
    password text,
    sip_port numeric,
    sip_transport text,
    register_expires numeric,
    shared_line text,
    enabled boolean
);


ALTER TABLE public.v_device_lines OWNER TO fusionpbx;

--
-- Name: v_dialplans; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_dialplans (
    domain_uuid uuid,
    dialplan_uuid uuid,
    app_uuid uuid,
    hostname text,
    dialplan_context text,
    dialplan_name text,
    dialplan_number text,
    dialplan_destination boolean,
    dialplan_continue boolean,
    dialplan_xml text,
    dialplan_order numeric,
    dialplan_enabled boolean,
    dialplan_description text
);


ALTER TABLE public.v_dialplans OWNER TO fusionpbx;

--
-- Name: v_domains; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_domains (
    domain_uuid uuid,
    domain_parent_uuid uuid,
    domain_name text,
    domain_enabled boolean,
    domain_description text
);


ALTER TABLE public.v_domains OWNER TO fusionpbx;

--
-- Name: v_extensions; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_extensions (
    extension_uuid uuid,
    domain_uuid uuid,
    extension text,
    number_alias text,
    password text,
    accountcode text,
    effective_caller_id_name text,
    effective_caller_id_number text,
    outbound_caller_id_name text,
    outbound_caller_id_number text,
    emergency_caller_id_name text,
    emergency_caller_id_number text,
    directory_first_name text,
    directory_last_name text,
    directory_visible boolean,
    directory_exten_visible boolean,
    max_registrations text,
    limit_max text,
    limit_destination text,
    missed_call_app text,
    missed_call_data text,
    user_context text,
    toll_allow text,
    call_timeout numeric,
    call_group text,
    call_screen_enabled boolean,
    user_record text,
    hold_music text,
    auth_acl text,
    cidr text,
    sip_force_contact text,
    nibble_account text,
    sip_force_expires numeric,
    mwi_account text,
    sip_bypass_media text,
    unique_id numeric,
    dial_string text,
    dial_user text,
    dial_domain text,
    do_not_disturb boolean,
    forward_all_destination text,
    forward_all_enabled boolean,
    forward_busy_destination text,
    forward_busy_enabled boolean,
    forward_no_answer_destination text,
    forward_no_answer_enabled boolean,
    forward_user_not_registered_destination text,
    forward_user_not_registered_enabled boolean,
    follow_me_uuid uuid,
    follow_me_enabled boolean,
    follow_me_destinations text,
    extension_language text,
    extension_dialect text,
    extension_voice text,
    extension_type text,
    enabled boolean,
    description text,
    absolute_codec_string text,
    force_ping boolean
);


ALTER TABLE public.v_extensions OWNER TO fusionpbx;

--
-- Name: v_follow_me_destinations; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_follow_me_destinations (
    domain_uuid uuid,
    follow_me_uuid uuid,
    follow_me_destination_uuid uuid,
    follow_me_destination text,
    follow_me_delay numeric,
    follow_me_timeout numeric,
    follow_me_prompt text,
    follow_me_order numeric
);


ALTER TABLE public.v_follow_me_destinations OWNER TO fusionpbx;

--
-- Name: v_gateways; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_gateways (
    gateway_uuid uuid,
    domain_uuid uuid,
    gateway text,
    username text,
    password text,
    distinct_to boolean,
    auth_username text,
    realm text,
    from_user text,
    from_domain text,
    proxy text,
    register_proxy text,
    outbound_proxy text,
    expire_seconds numeric,
    register boolean,
    register_transport text,
    contact_params text,
    retry_seconds numeric,
    extension text,
    ping text,
    ping_min text,
    ping_max text,
    contact_in_ping boolean,
    caller_id_in_from boolean,
    supress_cng boolean,
    sip_cid_type text,
    codec_prefs text,
    channels numeric,
    extension_in_contact text,
    context text,
    profile text,
    hostname text,
    enabled boolean,
    description text
);


ALTER TABLE public.v_gateways OWNER TO fusionpbx;

--
-- Name: v_ivr_menu_options; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_ivr_menu_options (
    ivr_menu_option_uuid uuid,
    ivr_menu_uuid uuid,
    domain_uuid uuid,
    ivr_menu_option_digits text,
    ivr_menu_option_action text,
    ivr_menu_option_param text,
    ivr_menu_option_order numeric,
    ivr_menu_option_description text,
    ivr_menu_option_enabled boolean
);


ALTER TABLE public.v_ivr_menu_options OWNER TO fusionpbx;

--
-- Name: v_ivr_menus; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_ivr_menus (
    ivr_menu_uuid uuid,
    domain_uuid uuid,
    dialplan_uuid uuid,
    ivr_menu_name text,
    ivr_menu_extension text,
    ivr_menu_parent_uuid uuid,
    ivr_menu_language text,
    ivr_menu_dialect text,
    ivr_menu_voice text,
    ivr_menu_greet_long text,
    ivr_menu_greet_short text,
    ivr_menu_invalid_sound text,
    ivr_menu_exit_sound text,
    ivr_menu_pin_number text,
    ivr_menu_confirm_macro text,
    ivr_menu_confirm_key text,
    ivr_menu_tts_engine text,
    ivr_menu_tts_voice text,
    ivr_menu_confirm_attempts numeric,
    ivr_menu_timeout numeric,
    ivr_menu_exit_app text,
    ivr_menu_exit_data text,
    ivr_menu_inter_digit_timeout numeric,
    ivr_menu_max_failures numeric,
    ivr_menu_max_timeouts numeric,
    ivr_menu_digit_len numeric,
    ivr_menu_direct_dial boolean,
    ivr_menu_ringback text,
    ivr_menu_cid_prefix text,
    ivr_menu_context text,
    ivr_menu_enabled boolean,
    ivr_menu_description text
);


ALTER TABLE public.v_ivr_menus OWNER TO fusionpbx;

--
-- Name: v_ring_group_destinations; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_ring_group_destinations (
    ring_group_destination_uuid uuid,
    domain_uuid uuid,
    ring_group_uuid uuid,
    destination_number text,
    destination_delay numeric,
    destination_timeout numeric,
    destination_enabled boolean,
    destination_prompt numeric,
    destination_description text
);


ALTER TABLE public.v_ring_group_destinations OWNER TO fusionpbx;

--
-- Name: v_ring_groups; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_ring_groups (
    domain_uuid uuid,
    ring_group_uuid uuid,
    ring_group_name text,
    ring_group_extension text,
    ring_group_greeting text,
    ring_group_exit_key text,
    ring_group_call_timeout numeric,
    ring_group_forward_destination text,
    ring_group_forward_enabled boolean,
    ring_group_caller_id_name text,
    ring_group_caller_id_number text,
    ring_group_cid_name_prefix text,
    ring_group_cid_number_prefix text,
    ring_group_strategy text,
    ring_group_timeout_app text,
    ring_group_timeout_data text,
    ring_group_distinctive_ring text,
    ring_group_ringback text,
    ring_group_call_screen_enabled boolean,
    ring_group_call_forward_enabled boolean,
    ring_group_follow_me_enabled boolean,
    ring_group_missed_call_app text,
    ring_group_missed_call_data text,
    ring_group_context text,
    ring_group_enabled boolean,
    ring_group_description text,
    dialplan_uuid uuid,
    ring_group_forward_toll_allow text,
    ring_group_wait_announcement text,
    ring_group_wait_interval numeric
);


ALTER TABLE public.v_ring_groups OWNER TO fusionpbx;

--
-- Name: v_sip_profile_settings; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_sip_profile_settings (
    sip_profile_setting_uuid uuid,
    sip_profile_uuid uuid,
    sip_profile_setting_name text,
    sip_profile_setting_value text,
    sip_profile_setting_enabled boolean,
    sip_profile_setting_description text
);


ALTER TABLE public.v_sip_profile_settings OWNER TO fusionpbx;

--
-- Name: v_sip_profiles; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_sip_profiles (
    sip_profile_uuid uuid,
    sip_profile_name text,
    sip_profile_hostname text,
    sip_profile_enabled boolean,
    sip_profile_description text
);


ALTER TABLE public.v_sip_profiles OWNER TO fusionpbx;

--
-- Name: v_user_groups; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_user_groups (
    user_group_uuid uuid,
    domain_uuid uuid,
    group_name text,
    group_uuid uuid,
    user_uuid uuid
);


ALTER TABLE public.v_user_groups OWNER TO fusionpbx;

--
-- Name: v_user_logs; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_user_logs (
    user_log_uuid uuid,
    domain_uuid uuid,
    hostname text,
    "timestamp" timestamp with time zone,
    user_uuid uuid,
    username text,
    type text,
    result text,
    detail text,
    remote_address text,
    user_agent text,
    session_id text,
    remember_selector uuid,
    remember_validator text
);


ALTER TABLE public.v_user_logs OWNER TO fusionpbx;

--
-- Name: v_users; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_users (
    user_uuid uuid,
    domain_uuid uuid,
    contact_uuid uuid,
    username text,
    password text,
    salt text,
    user_email text,
    user_status text,
    api_key text,
    user_totp_secret text,
    user_type text,
    user_enabled boolean,
    add_user text,
    add_date text
);


ALTER TABLE public.v_users OWNER TO fusionpbx;

--
-- Name: v_voicemails; Type: TABLE; Schema: public; Owner: fusionpbx
--

CREATE TABLE public.v_voicemails (
    domain_uuid uuid,
    voicemail_uuid uuid,
    voicemail_id text,
    voicemail_password text,
    voicemail_tutorial boolean,
    greeting_id numeric,
    voicemail_alternate_greet_id text,
    voicemail_recording_instructions boolean,
    voicemail_recording_options boolean,
    voicemail_mail_to text,
    voicemail_sms_to text,
    voicemail_transcription_enabled boolean,
    voicemail_transcription_prompt_enabled boolean,
    voicemail_transcription_prompt text,
    voicemail_attach_file text,
    voicemail_file text,
    voicemail_local_after_email boolean,
    voicemail_local_after_forward boolean,
    voicemail_enabled boolean,
    voicemail_description text,
    alternate_voicemail_destination text,
    alternate_voicemail_enabled boolean,
    voicemail_name_base64 text
);


ALTER TABLE public.v_voicemails OWNER TO fusionpbx;

--
-- Data for Name: v_access_control_nodes; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_access_control_nodes (access_control_node_uuid, access_control_uuid, node_type, node_cidr, node_description) FROM stdin;
\N	8a8bb7cd-343a-a2ad-99b7-d762030857a2	allow	198.51.100.20/32	\N
\.


--
-- Data for Name: v_access_controls; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_access_controls (access_control_uuid, access_control_name, access_control_default, access_control_description) FROM stdin;
8a8bb7cd-343a-a2ad-99b7-d762030857a2	providers	deny	\N
693a9fdd-4c2f-d070-0968-fba0d07ff3c0	domains	deny	\N
\.


--
-- Data for Name: v_call_center_agents; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_call_center_agents (call_center_agent_uuid, domain_uuid, user_uuid, agent_name, agent_type, agent_call_timeout, agent_id, agent_password, agent_contact, agent_status, agent_logout, agent_max_no_answer, agent_wrap_up_time, agent_reject_delay_time, agent_busy_delay_time, agent_no_answer_delay_time, agent_record) FROM stdin;
\N	\N	\N	ann	\N	\N	\N	\N	{call_timeout=15}user/100@a.example.net	\N	\N	\N	\N	\N	\N	\N	\N
\.


--
-- Data for Name: v_call_flows; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_call_flows (domain_uuid, call_flow_uuid, dialplan_uuid, call_flow_name, call_flow_extension, call_flow_feature_code, call_flow_context, call_flow_status, call_flow_pin_number, call_flow_label, call_flow_sound, call_flow_app, call_flow_data, call_flow_alternate_label, call_flow_alternate_sound, call_flow_alternate_app, call_flow_alternate_data, call_flow_enabled, call_flow_description) FROM stdin;
\.


--
-- Data for Name: v_default_settings; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_default_settings (default_setting_uuid, app_uuid, default_setting_category, default_setting_subcategory, default_setting_name, default_setting_value, default_setting_order, default_setting_enabled, default_setting_description) FROM stdin;
\N	\N	provision	enabled	\N	true	\N	t	\N
\N	\N	provision	http_auth_enabled	\N	true	\N	t	\N
\N	\N	provision	http_auth_password	\N	nR5xTd8Kw3Hb6Zq9Vc2S	\N	t	\N
\.


--
-- Data for Name: v_destinations; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_destinations (domain_uuid, destination_uuid, dialplan_uuid, fax_uuid, user_uuid, group_uuid, provider_uuid, destination_type, destination_number, destination_trunk_prefix, destination_area_code, destination_prefix, destination_condition_field, destination_number_regex, destination_caller_id_name, destination_caller_id_number, destination_cid_name_prefix, destination_context, destination_record, destination_hold_music, destination_distinctive_ring, destination_ringback, destination_accountcode, destination_type_voice, destination_type_fax, destination_type_emergency, destination_type_text, destination_conditions, destination_actions, destination_app, destination_data, destination_alternate_app, destination_alternate_data, destination_order, destination_enabled, destination_description, destination_email) FROM stdin;
9948c645-c094-2477-94f4-c7acdbeb2bb6	c82561ec-215a-6e31-807c-eedf3b3bd25e	\N	\N	\N	\N	\N	inbound	31205550100	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	[{"destination_app":"transfer","destination_data":"100 XML a.example.net"}]	\N	\N	\N	\N	\N	t	\N	\N
\.


--
-- Data for Name: v_device_lines; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_device_lines (domain_uuid, device_line_uuid, device_uuid, line_number, server_address, server_address_primary, server_address_secondary, outbound_proxy_primary, outbound_proxy_secondary, label, display_name, user_id, auth_id, password, sip_port, sip_transport, register_expires, shared_line, enabled) FROM stdin;
\N	\N	\N	\N	a.example.net	\N	\N	\N	\N	\N	\N	100	\N	wK7pRt3Zb9Xc5Vn2Mq8L	\N	\N	\N	\N	t
\N	\N	\N	\N	b.example.net	\N	\N	\N	\N	\N	\N	100	\N	hB4sGx8Yd6Tk9Wf3Jn5P	\N	\N	\N	\N	t
\.


--
-- Data for Name: v_dialplans; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_dialplans (domain_uuid, dialplan_uuid, app_uuid, hostname, dialplan_context, dialplan_name, dialplan_number, dialplan_destination, dialplan_continue, dialplan_xml, dialplan_order, dialplan_enabled, dialplan_description) FROM stdin;
9948c645-c094-2477-94f4-c7acdbeb2bb6	ec6ef230-f182-8039-ee79-4566b9c58adc	\N	\N	a.example.net	abroad		\N	\N	<extension name="abroad" continue="false"><condition field="${toll_allow}" expression="(^|,)international(,|$)"/><condition field="destination_number" expression="^(00(?:32|44|49)\\d{8,11})$"><action application="set" data="effective_caller_id_number=${outbound_caller_id_number}"/><action application="sched_hangup" data="+7200 allotted_timeout"/><action application="bridge" data="sofia/gateway/gw1/$1"/></condition></extension>	\N	t	\N
9948c645-c094-2477-94f4-c7acdbeb2bb6	1d665b9b-1467-944c-128a-5575119d1cfd	\N	\N	a.example.net	call-limit		\N	\N	<extension name="call-limit" continue="true"><condition field="${call_direction}" expression="^(inbound|outbound)$"><action application="limit" data="hash inbound ${domain_name} ${limit_max} !USER_BUSY"/></condition></extension>	\N	t	\N
9948c645-c094-2477-94f4-c7acdbeb2bb6	7bc3ca68-7694-37ce-9864-55407dab2a1f	\N	\N	a.example.net	disa	*3472	\N	\N	<extension name="disa"><condition field="destination_number" expression="^\\*(3472)$"><action application="set" data="pin_number=739164" enabled="true"/><action application="lua" data="disa.lua" enabled="true"/></condition></extension>	\N	t	\N
\N	13207e3d-5722-030f-6c97-d69b4904d39d	\N	\N	global	call_return	*69	\N	\N	<extension name="call_return"><condition field="destination_number" expression="^\\*69$"><action application="answer"/></condition></extension>	\N	f	\N
\N	ed92eff8-13a0-2a31-a267-7be0563a0739	\N	\N	global	local		\N	\N	<extension name="local"><condition field="destination_number" expression="^(\\d{3})$"><action application="bridge" data="user/$1@${domain_name}"/></condition></extension>	\N	t	\N
9948c645-c094-2477-94f4-c7acdbeb2bb6	c6c27fc9-8633-c825-71d7-5dcb5739bbdf	\N	\N	public	did	+31205550100	\N	\N	<extension name="did"><condition field="destination_number" expression="^(?:\\+?31|0)205550100$"><action application="transfer" data="100 XML a.example.net"/></condition></extension>	\N	t	\N
\.


--
-- Data for Name: v_domains; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_domains (domain_uuid, domain_parent_uuid, domain_name, domain_enabled, domain_description) FROM stdin;
9948c645-c094-2477-94f4-c7acdbeb2bb6	\N	a.example.net	\N	\N
b25b0651-e4b6-e887-e519-4135d3692631	\N	b.example.net	\N	\N
\.


--
-- Data for Name: v_extensions; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_extensions (extension_uuid, domain_uuid, extension, number_alias, password, accountcode, effective_caller_id_name, effective_caller_id_number, outbound_caller_id_name, outbound_caller_id_number, emergency_caller_id_name, emergency_caller_id_number, directory_first_name, directory_last_name, directory_visible, directory_exten_visible, max_registrations, limit_max, limit_destination, missed_call_app, missed_call_data, user_context, toll_allow, call_timeout, call_group, call_screen_enabled, user_record, hold_music, auth_acl, cidr, sip_force_contact, nibble_account, sip_force_expires, mwi_account, sip_bypass_media, unique_id, dial_string, dial_user, dial_domain, do_not_disturb, forward_all_destination, forward_all_enabled, forward_busy_destination, forward_busy_enabled, forward_no_answer_destination, forward_no_answer_enabled, forward_user_not_registered_destination, forward_user_not_registered_enabled, follow_me_uuid, follow_me_enabled, follow_me_destinations, extension_language, extension_dialect, extension_voice, extension_type, enabled, description, absolute_codec_string, force_ping) FROM stdin;
cd3dc8b6-cffb-41e4-163d-cbd857ca87da	9948c645-c094-2477-94f4-c7acdbeb2bb6	100	\N	wK7pRt3Zb9Xc5Vn2Mq8L	\N	\N	\N	\N	+31205550100	\N	\N	\N	\N	\N	\N	\N	2	\N	\N	\N	\N	domestic	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0088213000000	f	\N	\N	\N	\N	\N	\N	bd19836d-db62-c11c-55ab-251ccaca5645	f	\N	\N	\N	\N	\N	t	\N	\N	\N
68a9e49b-bc88-c020-83a0-62a78ab3bf30	b25b0651-e4b6-e887-e519-4135d3692631	100	\N	hB4sGx8Yd6Tk9Wf3Jn5P	\N	\N	\N	\N	+31205550100	\N	\N	\N	\N	\N	\N	\N	2	\N	\N	\N	\N	domestic,international	\N	\N	\N	\N	\N	\N	203.0.113.7/32	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N		f	\N	\N	\N	\N	\N	\N	3667f6a0-c974-9075-8d7d-c9659d01ea34	t	\N	\N	\N	\N	\N	t	\N	\N	\N
7ed21b04-c0dc-de1c-638e-5c8480ad0026	9948c645-c094-2477-94f4-c7acdbeb2bb6	101	\N	101	\N	\N	\N	\N		\N	\N	\N	\N	\N	\N	\N	9	\N	\N	\N	\N		\N	\N	\N	\N	\N	\N		\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0088213000000	t	\N	\N	\N	\N	\N	\N	bd19836d-db62-c11c-55ab-251ccaca5645	t	\N	\N	\N	\N	\N	f	\N	\N	\N
\.


--
-- Data for Name: v_follow_me_destinations; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_follow_me_destinations (domain_uuid, follow_me_uuid, follow_me_destination_uuid, follow_me_destination, follow_me_delay, follow_me_timeout, follow_me_prompt, follow_me_order) FROM stdin;
\N	bd19836d-db62-c11c-55ab-251ccaca5645	\N	0025263000000	\N	\N	\N	\N
\N	3667f6a0-c974-9075-8d7d-c9659d01ea34	\N	101	\N	\N	\N	\N
\.


--
-- Data for Name: v_gateways; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_gateways (gateway_uuid, domain_uuid, gateway, username, password, distinct_to, auth_username, realm, from_user, from_domain, proxy, register_proxy, outbound_proxy, expire_seconds, register, register_transport, contact_params, retry_seconds, extension, ping, ping_min, ping_max, contact_in_ping, caller_id_in_from, supress_cng, sip_cid_type, codec_prefs, channels, extension_in_contact, context, profile, hostname, enabled, description) FROM stdin;
47617066-9106-57bf-22fa-850ece0d9258	\N	itsp	acct-7731	zP3kVn8Wd5Tx2Mq7Hc9R	\N	\N	\N	\N	\N	sip.itsp.test	\N	\N	\N	t	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	public	external	\N	t	\N
\.


--
-- Data for Name: v_ivr_menu_options; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_ivr_menu_options (ivr_menu_option_uuid, ivr_menu_uuid, domain_uuid, ivr_menu_option_digits, ivr_menu_option_action, ivr_menu_option_param, ivr_menu_option_order, ivr_menu_option_description, ivr_menu_option_enabled) FROM stdin;
\N	9ce88802-f075-91e5-ce04-57ef51ece021	\N	1	menu-exec-app	transfer 100 XML a.example.net	\N	\N	\N
\.


--
-- Data for Name: v_ivr_menus; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_ivr_menus (ivr_menu_uuid, domain_uuid, dialplan_uuid, ivr_menu_name, ivr_menu_extension, ivr_menu_parent_uuid, ivr_menu_language, ivr_menu_dialect, ivr_menu_voice, ivr_menu_greet_long, ivr_menu_greet_short, ivr_menu_invalid_sound, ivr_menu_exit_sound, ivr_menu_pin_number, ivr_menu_confirm_macro, ivr_menu_confirm_key, ivr_menu_tts_engine, ivr_menu_tts_voice, ivr_menu_confirm_attempts, ivr_menu_timeout, ivr_menu_exit_app, ivr_menu_exit_data, ivr_menu_inter_digit_timeout, ivr_menu_max_failures, ivr_menu_max_timeouts, ivr_menu_digit_len, ivr_menu_direct_dial, ivr_menu_ringback, ivr_menu_cid_prefix, ivr_menu_context, ivr_menu_enabled, ivr_menu_description) FROM stdin;
9ce88802-f075-91e5-ce04-57ef51ece021	\N	\N	welcome	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	t	\N
\.


--
-- Data for Name: v_ring_group_destinations; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_ring_group_destinations (ring_group_destination_uuid, domain_uuid, ring_group_uuid, destination_number, destination_delay, destination_timeout, destination_enabled, destination_prompt, destination_description) FROM stdin;
\N	\N	0120a4f9-196a-5f9e-b9f5-23f31f914da7	100	\N	\N	t	\N	\N
\N	\N	0120a4f9-196a-5f9e-b9f5-23f31f914da7	0025263000000	\N	\N	f	\N	\N
\.


--
-- Data for Name: v_ring_groups; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_ring_groups (domain_uuid, ring_group_uuid, ring_group_name, ring_group_extension, ring_group_greeting, ring_group_exit_key, ring_group_call_timeout, ring_group_forward_destination, ring_group_forward_enabled, ring_group_caller_id_name, ring_group_caller_id_number, ring_group_cid_name_prefix, ring_group_cid_number_prefix, ring_group_strategy, ring_group_timeout_app, ring_group_timeout_data, ring_group_distinctive_ring, ring_group_ringback, ring_group_call_screen_enabled, ring_group_call_forward_enabled, ring_group_follow_me_enabled, ring_group_missed_call_app, ring_group_missed_call_data, ring_group_context, ring_group_enabled, ring_group_description, dialplan_uuid, ring_group_forward_toll_allow, ring_group_wait_announcement, ring_group_wait_interval) FROM stdin;
\N	0120a4f9-196a-5f9e-b9f5-23f31f914da7	sales	\N	\N	\N	\N		f	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	t	\N	\N	\N	\N	\N
\.


--
-- Data for Name: v_sip_profile_settings; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_sip_profile_settings (sip_profile_setting_uuid, sip_profile_uuid, sip_profile_setting_name, sip_profile_setting_value, sip_profile_setting_enabled, sip_profile_setting_description) FROM stdin;
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	log-auth-failures	true	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	apply-inbound-acl	domains	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	context	public	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	auth-calls	$${internal_auth_calls}	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	inbound-reg-force-matching-username	true	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	tls	true	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	tls-version	tlsv1.2,tlsv1.3	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	manual-redirect	true	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	user-agent-string	PBX	t	\N
\N	8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	accept-blind-reg	true	f	\N
\N	fac98944-7cad-2edb-c89f-bcba70003b36	context	public	t	\N
\N	fac98944-7cad-2edb-c89f-bcba70003b36	auth-calls	false	t	\N
\N	fac98944-7cad-2edb-c89f-bcba70003b36	disable-register	true	t	\N
\N	fac98944-7cad-2edb-c89f-bcba70003b36	disable-transfer	true	t	\N
\N	fac98944-7cad-2edb-c89f-bcba70003b36	user-agent-string	PBX	t	\N
\N	fac98944-7cad-2edb-c89f-bcba70003b36	log-auth-failures	true	t	\N
\N	fac98944-7cad-2edb-c89f-bcba70003b36	apply-inbound-acl	providers	t	\N
\.


--
-- Data for Name: v_sip_profiles; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_sip_profiles (sip_profile_uuid, sip_profile_name, sip_profile_hostname, sip_profile_enabled, sip_profile_description) FROM stdin;
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	internal	\N	t	\N
fac98944-7cad-2edb-c89f-bcba70003b36	external	\N	t	\N
\.


--
-- Data for Name: v_user_groups; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_user_groups (user_group_uuid, domain_uuid, group_name, group_uuid, user_uuid) FROM stdin;
\N	\N	superadmin	\N	e4774cdd-a079-3f86-414e-8b9140bb6db4
\N	\N	superadmin	\N	270c1b08-4f3f-146e-b578-7075158d9c53
\.


--
-- Data for Name: v_user_logs; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_user_logs (user_log_uuid, domain_uuid, hostname, "timestamp", user_uuid, username, type, result, detail, remote_address, user_agent, session_id, remember_selector, remember_validator) FROM stdin;
377fd569-971e-edeb-a8fb-ea28434a390a	\N	\N	2026-11-20 09:00:00+00	e4774cdd-a079-3f86-414e-8b9140bb6db4	ann	login	success	\N	\N	\N	\N	\N	\N
\.


--
-- Data for Name: v_users; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_users (user_uuid, domain_uuid, contact_uuid, username, password, salt, user_email, user_status, api_key, user_totp_secret, user_type, user_enabled, add_user, add_date) FROM stdin;
e4774cdd-a079-3f86-414e-8b9140bb6db4	\N	\N	ann	\N	\N	\N	\N		JBSWY3DPEHPK3PXPAAAA	\N	t	\N	\N
270c1b08-4f3f-146e-b578-7075158d9c53	\N	\N	old	\N	\N	\N	\N			\N	f	\N	\N
\.


--
-- Data for Name: v_voicemails; Type: TABLE DATA; Schema: public; Owner: fusionpbx
--

COPY public.v_voicemails (domain_uuid, voicemail_uuid, voicemail_id, voicemail_password, voicemail_tutorial, greeting_id, voicemail_alternate_greet_id, voicemail_recording_instructions, voicemail_recording_options, voicemail_mail_to, voicemail_sms_to, voicemail_transcription_enabled, voicemail_transcription_prompt_enabled, voicemail_transcription_prompt, voicemail_attach_file, voicemail_file, voicemail_local_after_email, voicemail_local_after_forward, voicemail_enabled, voicemail_description, alternate_voicemail_destination, alternate_voicemail_enabled, voicemail_name_base64) FROM stdin;
9948c645-c094-2477-94f4-c7acdbeb2bb6	ae7be26c-daa7-42ca-1480-68d5ac90eaca	100	482913	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	t	\N	\N	\N	\N
9948c645-c094-2477-94f4-c7acdbeb2bb6	aaf2f899-9237-9705-dac8-44c0a2a1d45f	101	101	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	f	\N	\N	\N	\N
\.


--
-- PostgreSQL database dump complete
--

\unrestrict dvxmD30lGXefWclXYI3mplvN1pmrQWW4LGlOehz9k3833L1rjbbMUISrcEW7311

